"""Formulas side by side: their parameters, and which of them are special cases of others."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

from pylme.errors import DataError, OptionError
from pylme.explanation.explain import explain, require_explicable
from pylme.explanation.formula_comparison import FormulaComparison
from pylme.explanation.relation import MIRRORED, relation_of
from pylme.explanation.with_data import examine
from pylme.families.family import optional_family
from pylme.formula import parse_formula, with_dot
from pylme.frame import column_names, read_frame
from pylme.identifiability.comparison import compare_covariances
from pylme.model_matrix.spec import ModelArguments, specified
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from pylme.explanation.relation import Relation
    from pylme.explanation.with_data import Examined
    from pylme.families import Family

__all__ = ["compare_formulas"]


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
