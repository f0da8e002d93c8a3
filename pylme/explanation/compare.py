"""Formulas side by side: their parameters, and which of them are special cases of others."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

from pylme.design.identifiability.comparison import compare_covariances
from pylme.design.requirements import require_fittable
from pylme.design.specify import specified
from pylme.errors import DataError, OptionError
from pylme.explanation.explain import explain
from pylme.explanation.formula_comparison import FormulaComparison
from pylme.explanation.relation import MIRRORED, relation_of
from pylme.explanation.with_data import examine
from pylme.formula import parse_formula, with_dot
from pylme.frame import column_names, read_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pylme.explanation.relation import Relation
    from pylme.explanation.with_data import Examined

__all__ = ["compare_formulas"]


def compare_formulas(*formulas: str, data: Any = None) -> FormulaComparison:
    """Formulas side by side, without a fit.

    Parameters
    ----------
    *formulas : str
        Two or more, of linear mixed models.
    data : DataFrame, Table or mapping of arrays, optional
        What they would be fitted to. All are compared on the rows that are complete for each.

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
        return FormulaComparison(explanations=tuple(map(explain, formulas)))
    rows = _complete(formulas, data)
    examined = [_examined(formula, data, rows) for formula in formulas]
    relations: dict[tuple[int, int], Relation | None] = {}
    same_means: dict[tuple[int, int], bool] = {}
    for a, b in combinations(range(len(formulas)), 2):
        try:
            found = compare_covariances(examined[a].design, examined[b].design)
        except DataError:
            # A transformation has no value in rows that the other formula uses.
            relations[a, b] = relations[b, a] = None
            continue
        relations[a, b] = relation_of(found)
        relations[b, a] = MIRRORED[relation_of(found)]
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


def _examined(formula: str, data: Any, rows: NDArray[np.bool_] | None) -> Examined:
    spec = specified(
        formula, data, weights=None, offset=None, subset=rows, contrasts=None,
        start=None, na_action="omit", family=None, reml=True,
    )  # fmt: skip
    require_fittable(spec, more_effects_than_rows=True)
    return examine(spec)
