"""A cross-check: the verdict, the evidence for it, and its display."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pylme.crosscheck import words
from pylme.crosscheck.verdict import Judgement
from pylme.frame import Library, to_native
from pylme.render import LEFT, Document, Paragraph, Prose, Rendered, Table
from pylme.render.text import WIDTH, to_text, wrapped
from pylme.results.saving import json_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pylme.crosscheck.comparison import Comparison, Tier
    from pylme.render import Block

__all__ = ["CrossCheck"]

#: Numbers below this are shown with fewer digits.
_SMALL: Final = 1e-2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class CrossCheck(Judgement, Rendered):
    """The result of checking a fit by an independent implementation.

    It prints as a report; `explain` gives the same in words.

    Attributes
    ----------
    verdict : Verdict
    formula : str
    engine : str
        The engine of the fit that was checked.
    tiers : tuple of Tier
        Design, same parameters, certificate, optimum; on request the approximation.
    criterion : float
        The criterion of the fit, as the engine reports it.
    recomputed : float
        The criterion at the fit's theta, recomputed from well-conditioned columns, which gives
        small rounding errors; NaN where it was not computed.
    best : float
        The lowest criterion found; NaN where no search was made.
    theta : ndarray, shape (m,)
        The theta at this point, in lme4's order.
    beta : ndarray, shape (p,)
        Of a generalized model, the fixed effects at this point; empty for a linear model.
    shape : float or None
        Of a negative binomial model, its parameter theta at this point.
    starts, agreed : int
        The number of searches, and the number of those that ended at this point.
    others : tuple of Minimum
        Higher minima at which searches ended, each with ``criterion``, ``theta`` and ``searches``
        (the number of searches that ended there); the lowest first, three at most.
    singular : tuple of str
        The singular covariance matrices at the optimum, in words.
    alarms : tuple of str
        The warnings of the fitting engine; that the fit is singular counts only if it is not.
    false_alarm : bool
        Whether those warnings are false alarms.
    directions : tuple of Direction
        The combinations of covariance parameters that the data do not determine: see
        `Design.identifiability`.
    reason, remedy : str
        Why the fit is unchecked, or has no finite estimate, and what to do; otherwise empty.
    library : {"pandas", "polars", "pyarrow"}
        The library of the data, in which `to_frame` returns its rows.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> fit.cross_check().verdict
    <Verdict.AGREES: 'agrees'>
    """

    library: Library = "pandas"

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        return f"{self.verdict.name}: {words.sentence(self)}"

    def explain(self) -> str:
        """The meaning of the verdict, what was found, what to do, and what was (not) checked."""
        done = [words.outcome(tier) for tier in self.tiers if tier.checked]
        meaning = Prose(tuple(map(Paragraph, (words.meaning(self), *words.findings(self)))))
        blocks = [
            Prose((Paragraph(words.title(self), heading=True),)),
            meaning,
            _listing("What to do:", [words.advice(self)]),
            *([_listing("Checked:", done)] if done else []),
            *self._missing(),
        ]
        return to_text(Document(title=None, blocks=tuple(blocks)))

    def _missing(self) -> list[Prose]:
        """The list of what was not checked, grouped by reason, if there is any."""
        missing = [tier for tier in self.tiers if not tier.checked]
        reasons = dict.fromkeys(tier.reason for tier in missing)
        texts = [
            f"{'; '.join(t.title for t in missing if t.reason == reason)} ({reason})"
            for reason in reasons
        ]
        return [_listing("Not checked:", texts)] if texts else []

    def describe(self) -> Document:
        """The verdict in words, then a table for each tier."""
        said = (words.title(self), words.meaning(self), *words.findings(self))
        verdict = Paragraph(f"Verdict: {self.verdict.name}", heading=True)
        blocks: list[Block] = [Prose((verdict, *map(Paragraph, said)))]
        blocks += [_tier_table(tier) for tier in self.tiers if tier.checked]
        blocks += self._missing()
        return Document(title=f"Cross-check of {self.formula}", blocks=tuple(blocks))

    def __str__(self) -> str:
        # As wide as its paragraphs, so that a row of numbers stays in one piece.
        return to_text(self.describe(), WIDTH + 1)

    def to_frame(self) -> Any:
        """Every comparison as a row.

        Returns
        -------
        DataFrame
            Columns ``tier``, ``quantity``, ``fit``, ``independent``, ``difference``, ``tolerance``,
            ``ok``, ``decides`` and ``reason``. In the library of the data. ``fit`` and
            ``independent`` are numbers, or strings where names or counts are compared; in polars
            and pyarrow, whose columns have one type, all of them are strings.
        """
        import pandas as pd

        rows = [
            (tier.number, c.quantity, c.fit, c.independent, c.difference, c.tolerance.value, c.ok,
             c.decides, c.tolerance.reason)
            for tier in self.tiers
            for c in tier.comparisons
        ]  # fmt: skip
        names = ("tier", "quantity", "fit", "independent", "difference", "tolerance", "ok",
                 "decides", "reason")  # fmt: skip
        frame = pd.DataFrame(rows, columns=list(names))
        if self.library != "pandas":
            both = ["fit", "independent"]
            frame[both] = frame[both].astype(str)
        return to_native(frame, self.library)

    def to_json(self) -> str:
        """The whole result as JSON, with the number of the schema and the version of pylme.

        Numbers that are not finite are null.
        """
        facts = {"ok": self.ok, "excess": self.excess, "sentence": self.sentence}
        found = _plain(self)
        # The library of the frames is not part of the result.
        del found["library"]
        return json_text(found | _plain(facts))

    def __repr__(self) -> str:
        return f"<pylme.CrossCheck {self.sentence}>"


def _listing(heading: str, texts: Iterable[str]) -> Prose:
    """A heading and items."""
    items = (Paragraph(text, 1) for text in texts)
    return Prose((Paragraph(heading, heading=True), *items))


def _tier_table(tier: Tier) -> Table:
    """The table of a tier that was checked."""
    reasons = dict.fromkeys(c.tolerance.reason for c in tier.comparisons)
    marks = dict(zip(reasons, ascii_lowercase, strict=False))
    return Table(
        columns=("fit", "independent", "difference", "at most", ""),
        rows=tuple(_row(c, marks[c.tolerance.reason]) for c in tier.comparisons),
        row_names=tuple(c.quantity for c in tier.comparisons),
        align=("right", "right", "right", "right", LEFT),
        caption=f"{tier.number}. {tier.title}",
        notes=tuple(wrapped(f"{mark}: {reason}", "   ") for reason, mark in marks.items()),
    )


def _row(c: Comparison, mark: str) -> tuple[str, ...]:
    word = "ok" if c.ok else "NO" if c.decides else "-"
    return (
        _shown(c.fit),
        _shown(c.independent),
        f"{c.difference:.1e}" if c.difference else "0",
        f"{c.tolerance.value:.0e} {mark}" if c.tolerance.value else f"0 {mark}",
        word,
    )


def _shown(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.9g}" if abs(value) >= _SMALL else f"{value:.3g}"


def _plain(value: Any) -> Any:
    """The value as mappings, lists, strings and finite numbers; other numbers become null."""
    if isinstance(value, Enum):
        return value.name
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
