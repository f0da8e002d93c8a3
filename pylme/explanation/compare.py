"""Formulas side by side: their parameters, and which of them are special cases of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

from pylme.errors import DataError, NotAvailableError, OptionError, UnknownNameError
from pylme.explanation.explain import examine, explain, require_explicable
from pylme.explanation.explanation import Explanation
from pylme.explanation.relation import (
    MIRRORED,
    Relation,
    relation_of,
    relation_of_structures,
)
from pylme.families.family import optional_family
from pylme.formula import parse_formula, with_dot
from pylme.frame import column_names, read_frame, to_native
from pylme.identifiability.comparison import compare_covariances
from pylme.model_matrix.spec import ModelArguments, specified
from pylme.options import text
from pylme.reference.threads import one_thread
from pylme.render import LEFT, Document, Facts, Paragraph, Prose, Rendered, Table
from pylme.render.text import WIDTH
from pylme.text import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from pylme.explanation.explain import Examined
    from pylme.families import Family
    from pylme.render import Block

__all__ = ["FormulaComparison", "compare_formulas"]


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

    Examples
    --------
    >>> import pylme
    >>> pylme.compare_formulas("y ~ x + (1 | g)", "y ~ x + (x | g)")
    <FormulaComparison of 2 formulas>
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
            negative); or none of these; or it is not determined, as their parameters are too many
            to be compared, or as neither of two with covariance structures contains the other. None
            where they do not use the same rows.

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

    def to_frame(self) -> Any:
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
        return to_native(frame, self.explanations[0].library, labels="label")

    def describe(self) -> Document:
        """The formulas, their numbers, and how they lie to each other."""
        blocks: tuple[Block, ...] = (self._formulas(), self._numbers())
        if self.relations:
            blocks += (self._relations(), _lines(self._means()))
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
            rows=tuple(
                tuple("–" if cell is None else str(cell) for cell in (row if known else row[:-1]))
                for row in rows
            ),
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


def _lines(texts: Iterable[str]) -> Prose:
    return Prose(tuple(Paragraph(text, lines=(text,)) for text in texts))


def compare_formulas(
    *formulas: str,
    data: Any = None,
    family: str | None = None,
    link: str | None = None,
    weights: str | ArrayLike | None = None,
) -> FormulaComparison:
    """Formulas side by side, without a fit.

    Parameters
    ----------
    *formulas : str
        Two or more, of mixed models.
    data : DataFrame, Table or mapping of arrays, optional
        What they would be fitted to. All are compared on the rows that are complete for each.
    family, link : str, optional
        Of generalized models, as for `glmer`; None for linear ones. The covariances compared are
        those of the linear predictor.
    weights : str or array_like of shape (rows,), optional
        As for `lmer` and `glmer`.

    Returns
    -------
    FormulaComparison
        For each formula the numbers of coefficients, standard deviations and correlations; with
        data also how many covariance parameters are identified, and for each pair whether the
        covariances of one are the same as those of the other, a special case of them, or contain
        them.

    Raises
    ------
    OptionError
        If there are fewer than two formulas.
    FormulaError, DataError
        As `explain`.

    Warns
    -----
    MissingRowsWarning
        If rows are left out.

    Examples
    --------
    >>> import pylme
    >>> found = pylme.compare_formulas(
    ...     "math ~ ses*sector + (ses | sch.id)",
    ...     "math ~ ses*sector + (ses:sector | sch.id)",
    ...     data=pylme.datasets.load("hsb"),
    ... )
    >>> found.to_frame()[["n_sd", "n_cor", "n_parameters", "rank"]]
       n_sd  n_cor  n_parameters  rank
    A     2      1             3     3
    B     3      3             6     5
    >>> found.relation("A", "B")
    'special case'
    """
    if len(formulas) < 2:
        raise OptionError(
            option="formulas", value=formulas, allowed="two formulas or more, as separate arguments"
        )
    if data is None:
        explanations = tuple(explain(each, family=family, link=link) for each in formulas)
        return FormulaComparison(explanations=explanations)
    kind = optional_family(family, link)
    with one_thread():
        return _compared(formulas, data, kind, weights)


def _compared(
    formulas: Sequence[str], data: Any, family: Family | None, weights: str | ArrayLike | None
) -> FormulaComparison:
    rows = _complete(formulas, data)
    examined = [_examined(each, data, rows, family=family, weights=weights) for each in formulas]
    relations: dict[tuple[int, int], Relation | None] = {}
    same_means: dict[tuple[int, int], bool] = {}
    for a, b in combinations(range(len(formulas)), 2):
        try:
            found = compare_covariances(examined[a].design, examined[b].design)
        except DataError:
            # A transformation has no value in rows that the other formula uses.
            relations[a, b] = relations[b, a] = None
            continue
        terms = examined[a].design.terms, examined[b].design.terms
        structured = any(term.structure.kind != "us" for own in terms for term in own)
        relation = relation_of_structures(*terms) if structured else relation_of(found)
        relations[a, b], relations[b, a] = relation, MIRRORED[relation]
        same_means[a, b] = same_means[b, a] = found.same_fixed
    return FormulaComparison(
        explanations=tuple(each.explanation for each in examined),
        relations=relations,
        same_means=same_means,
    )


def _complete(formulas: Sequence[str], data: Any) -> NDArray[np.bool_] | None:
    """The rows that have all the columns of all formulas; None where all have."""
    available = column_names(data)
    parsed = [with_dot(parse_formula(text), available) for text in formulas]
    names = dict.fromkeys(name for each in parsed for name in each.columns_in(available))
    return read_frame(data, list(names)).kept


def _examined(
    formula: str,
    data: Any,
    rows: NDArray[np.bool_] | None,
    *,
    family: Family | None,
    weights: str | ArrayLike | None,
) -> Examined:
    arguments = ModelArguments(weights=weights, subset=rows, family=family, reml=family is None)
    spec = specified(formula, data, arguments)
    require_explicable(spec)
    return examine(spec)
