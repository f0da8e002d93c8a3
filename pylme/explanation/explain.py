"""From a formula, and data where there are any, to what it specifies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pylme.explanation.conditional import conditional
from pylme.explanation.effects import uncoded_effects
from pylme.explanation.explanation import Explanation
from pylme.explanation.parts import FixedPart, RandomPart
from pylme.explanation.with_data import examine, explained
from pylme.families.family import optional_family
from pylme.formula import (
    check_functions,
    deparse,
    expand,
    model_terms,
    parse_formula,
    require_bars,
)
from pylme.identifiability.parameters import MOST_PARAMETERS
from pylme.model_matrix.requirements import parameters_of, require_fittable
from pylme.model_matrix.spec import ModelArguments, specified
from pylme.model_matrix.values import group_label
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from pylme.families import Family
    from pylme.formula import Formula
    from pylme.model_matrix.spec import Contrast, ContrastsFor, ModelSpec

__all__ = ["explain"]


def explain(
    formula: str,
    data: Any = None,
    *,
    family: str | None = None,
    link: str | None = None,
    weights: str | ArrayLike | None = None,
    offset: str | ArrayLike | None = None,
    contrasts: Mapping[str, Contrast] | None = None,
    contrasts_for: ContrastsFor = "fixed",
) -> Explanation:
    """What a formula specifies, in words, in symbols and as a table, and what data can show of it.

    Nothing is fitted. Of a linear model the response is not looked at; of a generalized one it is,
    for separation.

    Parameters
    ----------
    formula : str
        In lme4's language.
    data : DataFrame, Table or mapping of arrays, optional
        Without data every variable is taken for a number.
    family, link : str, optional
        Of a generalized model, as for `glmer`; None for a linear one. What the data identify is
        then said of the linear predictor.
    weights, offset : str or array_like of shape (rows,), optional
        As for `lmer` and `glmer`: of a binomial proportion the weights are the numbers of trials.
    contrasts, contrasts_for
        As for `lmer`.

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
        If no model can be fitted to the data. A term with as many random effects as rows or more
        is explained all the same, up to 500 covariance parameters.
    OptionError
        If there is no such family or link.

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
    kind = optional_family(family, link)
    if data is None:
        return of_formula(parse_formula(formula), kind)
    arguments = ModelArguments(
        weights=weights, offset=offset, contrasts=contrasts, contrasts_for=contrasts_for,
        family=kind, reml=kind is None,
    )  # fmt: skip
    spec = specified(formula, data, arguments)
    require_explicable(spec)
    # The matrices are small: more threads would wait for each other.
    with one_thread():
        return explained(examine(spec))


def require_explicable(spec: ModelSpec) -> None:
    """Raise where no model can be fitted as specified, and nothing can be said of why not."""
    few = parameters_of(spec.terms, spec.frame) <= MOST_PARAMETERS
    require_fittable(spec, more_effects_than_rows=few)


def of_formula(formula: Formula, family: Family | None = None) -> Explanation:
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
        conditional=conditional(family, formula),
    )
