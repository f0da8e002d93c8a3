"""An explanation as frames, and as what JSON holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.covariance.cells import cells
from pylme.covariance.names import block_labels, covariance_name
from pylme.explanation.by_level import linear_form
from pylme.explanation.notation import TEXT
from pylme.explanation.words import meaning

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from pylme.explanation.explanation import Explanation
    from pylme.explanation.parts import FixedPart, Groups, RandomPart
    from pylme.identifiability.report import Identifiability

__all__ = ["effects_frame", "parameters_frame", "plain", "terms_frame"]


def terms_frame(random: Sequence[RandomPart], groups: Sequence[Groups]) -> pd.DataFrame:
    """A row for each random-effects term."""
    import pandas as pd

    levels = {group.name: group.levels for group in groups}
    return pd.DataFrame(
        {
            "term": [part.label for part in random],
            "group": [part.group for part in random],
            "levels": pd.array([levels.get(part.group) for part in random], dtype="Int64"),
            "effects": [", ".join(part.names) for part in random],
            "n_sd": [part.n_sd for part in random],
            "n_cor": [part.n_cor for part in random],
            "n_parameters": [part.n_parameters for part in random],
        }
    )


def effects_frame(fixed: FixedPart, random: Sequence[RandomPart]) -> pd.DataFrame:
    """A row for each fixed and each random effect."""
    import pandas as pd

    rows: list[tuple[str, str | None, str, str, int | None]] = [
        ("fixed", None, effect.name, meaning(effect, fixed.effects), None)
        for effect in fixed.effects
    ]
    rows += [
        ("random", part.label, effect.name, meaning(effect, part.effects), count)
        for part in random
        for effect, count in zip(
            part.effects, part.varying or [None] * len(part.effects), strict=True
        )
    ]
    frame = pd.DataFrame(rows, columns=["part", "term", "effect", "meaning", "varies_within"])
    frame["varies_within"] = frame["varies_within"].astype(pd.Int64Dtype())
    return frame


def parameters_frame(random: Sequence[RandomPart], found: Identifiability | None) -> pd.DataFrame:
    """A row for each variance and covariance."""
    import pandas as pd

    unseen = set() if found is None else {n for d in found.directions for n in d.names}
    labels = block_labels(part.group for part in random)
    rows = []
    for term, (part, label) in enumerate(zip(random, labels, strict=True)):
        for b, a in cells(len(part.names)):
            one, other = part.names[a], part.names[b]
            name = covariance_name(label, other, one)
            seen = None if found is None or found.rank is None else name not in unseen
            rows.append(
                (part.label, part.group, one, None if a == b else other, name,
                 TEXT.tau(term, a, b), seen)
            )  # fmt: skip
    columns = ["term", "group", "var1", "var2", "parameter", "symbol", "identified"]
    frame = pd.DataFrame(rows, columns=columns)
    # Objects, so that what is missing is None whatever pandas makes of the columns.
    for at, name in ((3, "var2"), (6, "identified")):
        frame[name] = pd.Series([row[at] for row in rows], dtype=np.dtype(object))
    return frame


def plain(explanation: Explanation) -> dict[str, Any]:
    """An explanation as what JSON holds."""
    found = explanation.identifiability
    known: dict[str, Any] = {
        "formula": explanation.formula,
        "fixed": [_effect(e, explanation.fixed.effects) for e in explanation.fixed.effects],
        "random": [
            {
                "term": part.label,
                "group": part.group,
                "effects": [_effect(effect, part.effects) for effect in part.effects],
                "n_sd": part.n_sd,
                "n_cor": part.n_cor,
                "n_parameters": part.n_parameters,
            }
            for part in explanation.random
        ],
        "n_parameters": explanation.n_parameters,
    }
    if explanation.conditional is not None:
        known["family"] = explanation.conditional.family
        known["link"] = explanation.conditional.link
    if found is None:
        return known
    return known | {
        "rows": explanation.n,
        "dropped": list(explanation.fixed.dropped),
        "groups": [
            {"group": g.name, "levels": g.levels, "fewest_rows": g.fewest, "most_rows": g.most}
            for g in explanation.groups
        ],
        "variation": [
            {"variable": v.variable, "group": v.group, "varies_in": v.varying, "levels": v.levels}
            for v in explanation.variations
        ],
        "by_level": [
            {
                "group": each.group,
                "by": each.by,
                "levels": {
                    level: {
                        each.label(*pair): linear_form(form, TEXT)
                        for pair, form in zip(each.pairs, forms, strict=True)
                    }
                    for level, forms in zip(each.levels, each.forms, strict=True)
                },
            }
            for each in explanation.levels
        ],
        "rank": found.rank,
        "not_identified": [
            {"parameters": list(d.names), "weights": list(d.weights), "reason": d.reason}
            for d in found.directions
        ],
        "expectations": list(explanation.expectations),
        "alternatives": [
            {
                "kind": a.kind,
                "formula": a.formula,
                "random": a.random,
                "n_parameters": a.n_parameters,
                "reason": a.reason,
            }
            for a in explanation.alternatives
        ],
    }


def _effect(effect: Any, part: Any) -> dict[str, str]:
    return {"name": effect.name, "meaning": meaning(effect, part)}
