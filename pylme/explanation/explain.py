"""From a formula, and data where there are any, to what it specifies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pylme.design.groups import group_label
from pylme.design.requirements import require_fittable
from pylme.design.specify import specified
from pylme.explanation.effects import uncoded_effects
from pylme.explanation.explanation import Explanation
from pylme.explanation.parts import FixedPart, RandomPart
from pylme.explanation.with_data import examine, explained
from pylme.formula import (
    check_functions,
    deparse,
    expand,
    model_terms,
    parse_formula,
    require_bars,
)

if TYPE_CHECKING:
    from pylme.formula import Formula

__all__ = ["explain"]


def explain(formula: str, data: Any = None) -> Explanation:
    """What a formula specifies, in words, in symbols and as a table, and what data can show of it.

    Nothing is fitted, and the response is not looked at.

    Parameters
    ----------
    formula : str
        Of a linear mixed model, in lme4's language.
    data : DataFrame, Table or mapping of arrays, optional
        Without data every variable is taken for a number.

    Returns
    -------
    Explanation
        The fixed effects and the random-effects terms, their standard deviations and correlations,
        and the covariance that they imply. With data also which variables vary within the groups,
        which parameters the data identify and why not the others, what to expect of a fit, and
        other random parts: equivalent ones, simpler ones, larger ones.

    Raises
    ------
    FormulaError
        If the formula cannot be read, has no random-effects term, or names an unknown column.
    DataError
        If no model can be fitted to the data.

    Warns
    -----
    MissingRowsWarning
        If rows are left out.

    Examples
    --------
    >>> import pylme
    >>> hsb = pylme.datasets.load("hsb")
    >>> pylme.explain("math ~ ses*sector + (ses | sch.id)", hsb).to_frame()[["n_sd", "n_cor"]]
       n_sd  n_cor
    0     2      1
    >>> about = pylme.explain("math ~ ses*sector + (ses*sector | sch.id)", hsb)
    >>> about.n_parameters, about.rank
    (10, 6)
    """
    if data is None:
        return of_formula(parse_formula(formula))
    spec = specified(
        formula, data, weights=None, offset=None, subset=None, contrasts=None,
        start=None, na_action="omit", family=None, reml=True,
    )  # fmt: skip
    require_fittable(spec, more_effects_than_rows=True)
    return explained(examine(spec))


def of_formula(formula: Formula) -> Explanation:
    """The explanation of a formula without data."""
    check_functions(formula)
    require_bars(formula)
    fixed = model_terms(formula.fixed, response=formula.response)
    return Explanation(
        formula=str(formula),
        response=deparse(formula.response),
        fixed=FixedPart(effects=uncoded_effects(fixed)),
        random=tuple(
            RandomPart(
                label=f"({deparse(bar.effects)} | {deparse(bar.group)})",
                group=group_label(bar.group),
                effects=uncoded_effects(model_terms(bar.effects)),
            )
            for bar in expand(formula).bars
        ),
    )
