"""Formulas side by side, as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pylme.errors import NotAvailableError, UnknownNameError
from pylme.explanation.explanation import Explanation
from pylme.explanation.relation import Relation
from pylme.options import text
from pylme.render import LEFT, Document, Facts, Lines, Rendered, Table
from pylme.render.text import WIDTH
from pylme.text import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from pylme.render import Block

__all__ = ["FormulaComparison"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class FormulaComparison(Rendered):
    """Formulas side by side, called A, B, C, …; prints as tables.

    Attributes
    ----------
    explanations : tuple of Explanation
        Of each formula, without what to expect and without other formulas.
    relations : mapping
        By the positions of two formulas: what the covariances of the first are to those of the
        second in these data. None where they do not use the same rows; empty without data.
    same_means : mapping
        By the positions of two formulas: whether their fixed effects span the same means.
    """

    explanations: tuple[Explanation, ...]
    relations: Mapping[tuple[int, int], Relation | None] = field(default_factory=dict)
    same_means: Mapping[tuple[int, int], bool] = field(default_factory=dict)

    @property
    def labels(self) -> tuple[str, ...]:
        """What the formulas are called: A to Z, then numbers."""
        count = len(self.explanations)
        return tuple(chr(ord("A") + i) if i < 26 else str(i + 1) for i in range(count))

    def relation(self, first: str, second: str) -> Relation | None:
        """What the covariances of one formula are to those of another.

        Parameters
        ----------
        first, second : str
            Their labels.

        Returns
        -------
        {"the same", "special case", "contains", "same but for bounds", "neither", \
        "not determined"} or None
            The first is a special case of the second, or contains it; they are linear combinations
            of the same matrices, but it is open whether their bounds differ (no variance is
            negative); or none of these; or their parameters are too many to be compared. None where
            they do not use the same rows.

        Raises
        ------
        UnknownNameError
            If there is no formula of that label.
        NotAvailableError
            If there are no data.
        """
        for option, label in (("first", first), ("second", second)):
            text(option, label)
            if label not in self.labels:
                raise UnknownNameError(what="formula", name=label, known=self.labels)
        if not self.relations:
            raise NotAvailableError(
                asked="Comparing the covariances of two formulas",
                found="there are no data, and which are possible depends on what varies in them",
                remedy="Pass data=... to compare_formulas().",
            )
        places = self.labels.index(first), self.labels.index(second)
        return "the same" if first == second else self.relations[places]

    def to_frame(self) -> pd.DataFrame:
        """A row for each formula.

        Returns
        -------
        DataFrame
            Index: the labels. Columns: ``formula, n_fixed, n_sd, n_cor, n_parameters, rank`` (NA
            without data), and with data what the covariances are to those of each other formula,
            in columns named by its label.
        """
        import pandas as pd

        frame = pd.DataFrame(
            {
                "formula": [each.formula for each in self.explanations],
                "n_fixed": [len(each.fixed.effects) for each in self.explanations],
                "n_sd": [each.n_sd for each in self.explanations],
                "n_cor": [each.n_cor for each in self.explanations],
                "n_parameters": [each.n_parameters for each in self.explanations],
                "rank": pd.array([each.rank for each in self.explanations], dtype="Int64"),
            },
            index=list(self.labels),
        )
        if self.relations:
            for second in self.labels:
                frame[second] = [self.relation(first, second) for first in self.labels]
        return frame

    def describe(self) -> Document:
        """The formulas, their numbers, and how they lie to each other."""
        blocks: tuple[Block, ...] = (self._formulas(), self._numbers())
        if self.relations:
            blocks += (self._relations(), Lines(tuple(self._means())))
        return Document(title=None, blocks=blocks)

    def __repr__(self) -> str:
        return f"<FormulaComparison of {len(self.explanations)} formulas>"

    def _formulas(self) -> Facts:
        written = [
            text if len(text) < WIDTH else text.replace(" + (", " +\n(")
            for text in (each.formula for each in self.explanations)
        ]
        return Facts(tuple(zip(self.labels, written, strict=True)))

    def _numbers(self) -> Table:
        columns = ("fixed effects", "standard deviations", "correlations", "parameters")
        rows = [
            (len(each.fixed.effects), each.n_sd, each.n_cor, each.n_parameters, each.rank)
            for each in self.explanations
        ]
        known = bool(self.relations)
        return Table(
            columns=columns + (("identified",) if known else ()),
            rows=tuple(tuple(map(str, row if known else row[:-1])) for row in rows),
            row_names=self.labels,
            notes=("Parameters are the variances and covariances of random effects.",),
        )

    def _relations(self) -> Table:
        return Table(
            columns=tuple(f"of {label}" for label in self.labels),
            rows=tuple(
                tuple(
                    "" if first == second else self.relation(first, second) or "other rows"
                    for second in self.labels
                )
                for first in self.labels
            ),
            row_names=self.labels,
            align=(LEFT,) * len(self.labels),
            caption="The covariances of each, beside those …",
        )

    def _means(self) -> Iterator[str]:
        if all(self.same_means.values()):
            yield "The fixed parts are the same: all formulas allow the same means."
            return
        for place, label in enumerate(self.labels):
            others = [
                other
                for at, other in enumerate(self.labels)
                if at > place and self.same_means.get((place, at)) is False
            ]
            if others:
                yield f"The fixed part of {label} allows other means than that of {listed(others)}."
