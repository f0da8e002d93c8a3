"""A cross-check: the verdict, what led to it, and how it is shown."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.crosscheck import words
from pylme.crosscheck.comparison import Tier
from pylme.crosscheck.plain import plain
from pylme.crosscheck.search import Minimum
from pylme.crosscheck.tables import tier_table
from pylme.crosscheck.verdict import Verdict
from pylme.identifiability.report import Direction
from pylme.render import Document, Lines, Rendered
from pylme.render.paragraphs import WIDTH, item, wrapped
from pylme.render.text import to_text

if TYPE_CHECKING:
    import pandas as pd

    from pylme.render import Block

__all__ = ["CrossCheck"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class CrossCheck(Rendered):
    """A fit, checked by an independent implementation.

    Prints as a report; `explain` says it in words.

    Attributes
    ----------
    verdict : Verdict
    formula : str
    engine : str
        The engine of the fit that was checked.
    tiers : tuple of Tier
        Design, same theta, certificate, optimum.
    criterion : float
        That of the fit, as the engine reports it.
    recomputed : float
        That of the fit, computed once more at its theta from well-conditioned columns, whose
        rounding errors are small; NaN where it was not.
    best : float
        The least that was found; NaN where nothing was searched for.
    theta : ndarray, shape (m,)
        Where it was found, in lme4's order.
    starts, agreed : int
        How many searches there were, and how many of them ended there.
    others : tuple of Minimum
        Higher minima at which searches ended, each with ``criterion``, ``theta`` and ``searches``,
        how many ended there; the lowest first, three at most.
    singular : tuple of str
        What is singular at the optimum, in words.
    alarms : tuple of str
        What the fitting engine warned of, but for a singular fit that is one.
    false_alarm : bool
        Whether that is about nothing.
    directions : tuple of Direction
        The combinations of covariance parameters that the data do not see: see
        `Design.identifiability`.
    reason, remedy : str
        Why the fit is unchecked and what to do; empty where it is checked.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> fit.cross_check().verdict
    <Verdict.AGREES: 'agrees'>
    """

    verdict: Verdict
    formula: str
    engine: str
    tiers: tuple[Tier, ...]
    criterion: float
    recomputed: float
    best: float
    theta: NDArray[np.float64]
    starts: int
    agreed: int
    others: tuple[Minimum, ...]
    singular: tuple[str, ...]
    alarms: tuple[str, ...]
    false_alarm: bool
    directions: tuple[Direction, ...]
    reason: str
    remedy: str

    @property
    def ok(self) -> bool:
        """Whether the answer can be relied on."""
        return self.verdict.good

    @property
    def excess(self) -> float:
        """How far the criterion at the fit's theta lies above the best found, both recomputed.

        NaN where none was looked for.
        """
        return self.recomputed - self.best

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        return f"{self.verdict.name}: {words.sentence(self)}"

    def explain(self) -> str:
        """What the verdict means, what was found, what to do, what was checked and what not."""
        parts = [words.title(self), "", wrapped(words.meaning(self))]
        parts += [wrapped(found) for found in words.findings(self)]
        parts += ["", "What to do:", item(words.advice(self))]
        done = [words.told(tier) for tier in self.tiers if tier.checked]
        for heading, lines in (("Checked:", [*map(item, done)]), ("Not checked:", self._missing)):
            parts += ["", heading, *lines] if lines else []
        return "\n".join(parts)

    @property
    def _missing(self) -> list[str]:
        """The lines of a list of what was not checked, those of one reason together."""
        missing = [tier for tier in self.tiers if not tier.checked]
        reasons = dict.fromkeys(tier.reason for tier in missing)
        texts = [
            f"{'; '.join(t.title for t in missing if t.reason == reason)} ({reason})"
            for reason in reasons
        ]
        return [line for text in texts for line in item(text).split("\n")]

    def describe(self) -> Document:
        """The verdict in words, then a table for each tier."""
        said = [f"Verdict: {self.verdict.name}", words.title(self), words.meaning(self)]
        lines = [line for text in (*said, *words.findings(self)) for line in _lines(text)]
        blocks: list[Block] = [Lines(tuple(lines))]
        blocks += [tier_table(tier, self.engine) for tier in self.tiers if tier.checked]
        if self._missing:
            blocks.append(Lines(("Not checked:", *self._missing)))
        return Document(title=f"Cross-check of {self.formula}", blocks=tuple(blocks))

    def __str__(self) -> str:
        # As wide as its paragraphs, so that a row of numbers stays in one piece.
        return to_text(self.describe(), WIDTH + 1)

    def to_frame(self) -> pd.DataFrame:
        """Every comparison as a row.

        Returns
        -------
        DataFrame
            Columns ``tier``, ``quantity``, ``lme4``, ``reference``, ``difference``, ``tolerance``,
            ``ok``, ``decides`` and ``reason``.
        """
        import pandas as pd

        rows = [
            (tier.number, c.quantity, c.lme4, c.reference, c.difference, c.tolerance.value, c.ok,
             c.decides, c.tolerance.reason)
            for tier in self.tiers
            for c in tier.comparisons
        ]  # fmt: skip
        names = ("tier", "quantity", "lme4", "reference", "difference", "tolerance", "ok",
                 "decides", "reason")  # fmt: skip
        return pd.DataFrame(rows, columns=list(names))

    def to_json(self) -> str:
        """All of it as JSON; what is no finite number stands as null."""
        facts = {"ok": self.ok, "excess": self.excess, "sentence": self.sentence}
        return json.dumps(plain(self) | plain(facts), allow_nan=False)

    def __repr__(self) -> str:
        return f"<pylme.CrossCheck {self.sentence}>"


def _lines(text: str) -> list[str]:
    return wrapped(text).split("\n")
