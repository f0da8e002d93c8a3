"""The explanation of a formula."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pylme.covariance.names import block_labels, cells, parameter_name
from pylme.explanation.by_level import linear_form
from pylme.explanation.model_latex import model_latex
from pylme.explanation.notation import TEXT, meaning
from pylme.explanation.report import Specification, report
from pylme.frame import Library, to_native
from pylme.options import choice
from pylme.render import Rendered
from pylme.results.saving import with_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from pylme.explanation.parts import FixedPart, Groups, RandomPart
    from pylme.identifiability.report import Identifiability
    from pylme.render import Document

__all__ = ["Explanation"]

FrameOf = Literal["terms", "effects", "parameters"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Explanation(Specification, Rendered):
    """What a formula specifies, and what the data identify; prints as a report.

    Attributes
    ----------
    formula, response : str
        As R writes them.
    fixed : FixedPart
    random : tuple of RandomPart
        The random-effects terms: in lme4's order with data, in that of the formula without.
    data : bool
        Whether there are data. Without data, all following attributes are empty, and every variable
        is assumed to be numeric.
    n, n_given : int
        Rows used, and rows of the data.
    groups : tuple of Groups
        The grouping factors in the data.
    variations : tuple of Variation
        Which variables vary within the levels of which grouping factor.
    levels : tuple of ByLevel
        Covariances at each level of a factor that is constant within groups.
    identifiability : Identifiability or None
        Which parameters the data identify.
    expectations : tuple of str
        What to expect of a fit.
    alternatives : tuple of Alternative
        Other random parts: the same model, simpler ones, larger ones.
    conditional : Conditional or None
        The family and link of a generalized model; None for a linear one.
    library : {"pandas", "polars", "pyarrow"}
        The library of the data, in which `to_frame` returns its rows.
    """

    library: Library = "pandas"

    def to_frame(self, of: FrameOf = "terms") -> Any:
        """The explanation as a frame.

        Parameters
        ----------
        of : {"terms", "effects", "parameters"}
            A row for each random-effects term: ``term, group, levels, effects, n_sd, n_cor,
            n_parameters``. A row for each fixed and random effect: ``part, term, effect, meaning,
            varies_within``. A row for each covariance parameter: ``term, group, var1, var2,
            parameter, symbol, identified``. None where data are needed and not given.

        Raises
        ------
        OptionError
            If `of` is not one of these.
        """
        match choice("of", of, FrameOf):
            case "terms":
                frame = _terms_frame(self.random, self.groups)
            case "effects":
                frame = _effects_frame(self.fixed, self.random)
            case _:
                frame = _parameters_frame(self.random, self.identifiability)
        return to_native(frame, self.library)

    def to_latex(self) -> str:
        """The model and the covariance that it implies, for a preamble with amsmath."""
        return model_latex(
            self.response, self.fixed, self.random, self.levels, conditional=self.conditional
        )

    def to_dict(self) -> dict[str, Any]:
        """The explanation as values that JSON can represent, with the number of the schema."""
        return with_schema(_plain(self))

    def describe(self) -> Document:
        """The report."""
        return report(self)

    def __repr__(self) -> str:
        return f"<Explanation of {self.formula}: {self.numbers}>"


def _terms_frame(random: Sequence[RandomPart], groups: Sequence[Groups]) -> pd.DataFrame:
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


def _effects_frame(fixed: FixedPart, random: Sequence[RandomPart]) -> pd.DataFrame:
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


def _parameters_frame(random: Sequence[RandomPart], found: Identifiability | None) -> pd.DataFrame:
    """A row for each variance and covariance."""
    import pandas as pd

    unseen = set() if found is None else {n for d in found.directions for n in d.names}
    labels = block_labels(part.group for part in random)
    rows = []
    for term, (part, label) in enumerate(zip(random, labels, strict=True)):
        for b, a in cells(len(part.names)):
            one, other = part.names[a], part.names[b]
            name = parameter_name(other, one, label=label)
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


def _plain(specification: Specification) -> dict[str, Any]:
    """An explanation as values that JSON can represent."""
    found = specification.identifiability
    known: dict[str, Any] = {
        "formula": specification.formula,
        "fixed": [_effect(e, specification.fixed.effects) for e in specification.fixed.effects],
        "random": [
            {
                "term": part.label,
                "group": part.group,
                "effects": [_effect(effect, part.effects) for effect in part.effects],
                "n_sd": part.n_sd,
                "n_cor": part.n_cor,
                "n_parameters": part.n_parameters,
            }
            for part in specification.random
        ],
        "n_parameters": specification.n_parameters,
    }
    if specification.conditional is not None:
        known["family"] = specification.conditional.family
        known["link"] = specification.conditional.link
    if found is None:
        return known
    return known | {
        "rows": specification.n,
        "dropped": list(specification.fixed.dropped),
        "groups": [
            {"group": g.name, "levels": g.levels, "fewest_rows": g.fewest, "most_rows": g.most}
            for g in specification.groups
        ],
        "variation": [
            {"variable": v.variable, "group": v.group, "varies_in": v.varying, "levels": v.levels}
            for v in specification.variations
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
            for each in specification.levels
        ],
        "rank": found.rank,
        "not_identified": [
            {"parameters": list(d.names), "weights": list(d.weights), "reason": d.reason}
            for d in found.directions
        ],
        "expectations": list(specification.expectations),
        "alternatives": [
            {
                "kind": a.kind,
                "formula": a.formula,
                "random": a.random,
                "n_parameters": a.n_parameters,
                "reason": a.reason,
            }
            for a in specification.alternatives
        ],
    }


def _effect(effect: Any, part: Any) -> dict[str, str]:
    return {"name": effect.name, "meaning": meaning(effect, part)}
