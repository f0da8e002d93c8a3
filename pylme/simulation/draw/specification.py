"""A simulator from what a user writes: the formula, the data, the parameters; or from a fit.

The data need not contain the response.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pylme.draws.parts import Part
from pylme.errors import NotAvailableError, OptionError, ResponseError
from pylme.families import family as family_named
from pylme.families import family_of_name, negative_binomial
from pylme.families.family import has_dispersion
from pylme.formula import Argument, Binary, Call, Name, deparse, parse_formula
from pylme.frame import Factor, frame_of_given, read_frame, to_native
from pylme.frame.table import open_table
from pylme.model_matrix.build import build
from pylme.model_matrix.requirements import require_fittable
from pylme.model_matrix.response import response_column
from pylme.model_matrix.spec import ModelArguments, specified
from pylme.options import Rng, choice, is_number, optional_text, true_or_false
from pylme.simulation.draw.parameters import covariances_of, named_vector
from pylme.simulation.draw.simulation import with_column
from pylme.simulation.draw.simulator import Simulator, placeholder
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from pylme.families.family import Family
    from pylme.formula import Node
    from pylme.frame import Library
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.spec import Contrast, ModelSpec
    from pylme.results.fitted_model import FittedModel
    from pylme.simulation.draw.parameters import Covariances

__all__ = [
    "design_of_predictors",
    "family_drawn",
    "part_of",
    "response_name",
    "simulator",
    "simulator_of",
    "specification_of",
    "usual",
]

#: The family of `glmer_nb`, by the name that a fit has.
NEGATIVE_BINOMIAL: Final = "negative binomial"


def simulator(
    formula: str,
    data: Any,
    *,
    beta: ArrayLike | Mapping[str, Any],
    sigma: float | Mapping[str, float] | None = None,
    covariances: Covariances,
    family: str | None = None,
    link: str | None = None,
    shape: float | None = None,
    by: str | None = None,
    weights: str | ArrayLike | None = None,
    offset: str | ArrayLike | None = None,
    contrasts: Mapping[str, Contrast] | None = None,
    empirical: bool = False,
    rng: Rng = "numpy",
) -> Simulator:
    """A model with its parameters, from which a study draws its data.

    Parameters
    ----------
    formula : str
    data : DataFrame, Table or mapping of arrays
    beta, sigma, covariances, family, link, shape, by, weights, offset, contrasts, empirical, rng
        As for `pylme.simulate`.

    Returns
    -------
    Simulator
        Its ``draw(n, seed=)`` gives what `pylme.simulate` gives.

    Raises
    ------
    FormulaError, DataError, OptionError, UnknownNameError
        As `pylme.simulate`.

    Examples
    --------
    >>> import pylme
    >>> grid = pylme.expand_grid(time=range(5), person=range(30))
    >>> model = pylme.simulator(
    ...     "y ~ time + (1 | person)", grid, beta=[10, 1], sigma=1, covariances={"sd": 2}
    ... )
    >>> model.draw(100, seed=1).y.shape
    (150, 100)
    """
    drawn = family_drawn(family, link=link, shape=shape)
    _require_generator(choice("rng", rng, Rng), drawn)
    empirical = true_or_false("empirical", empirical)
    by = optional_text("by", by)
    parts = []
    masks = {None: None} if by is None else _rows_by_level(data, by)
    for level, mask in masks.items():
        design = design_of_predictors(
            formula, data, weights=weights, offset=offset, contrasts=contrasts, subset=mask,
            family=drawn,
        )  # fmt: skip
        parts.append(
            part_of(
                design,
                beta=_for_level(beta, level, masks),
                sigma=_for_level(sigma, level, masks),
                covariances=_for_level(covariances, level, masks),
                family=drawn,
            )
        )
    if empirical:
        for part in parts:
            _require_more_levels_than_effects(part)
    return Simulator(
        formula=formula,
        response=response_name(formula),
        data=data,
        n_rows=parts[0].design.rows.n_given,
        parts=tuple(parts),
        empirical=empirical,
        rng=rng,
        library=parts[0].design.rows.library,
    )


def family_drawn(name: str | None, *, link: str | None, shape: float | None) -> Family | None:
    """The family that is drawn from; None for a linear model.

    Raises
    ------
    OptionError
        If there is no such family or link, or the shape is given for another family than the
        negative binomial.
    """
    optional_text("family", name)
    optional_text("link", link)
    if name == NEGATIVE_BINOMIAL:
        if not (is_number(shape) and shape is not None and 0 < shape < np.inf):
            raise OptionError(
                option="shape", value=shape, allowed="a positive number, the ϑ of μ + μ²/ϑ"
            )
        return negative_binomial(float(shape), "log" if link is None else link)
    if shape is not None:
        raise OptionError(
            option="shape", value=shape, allowed=f'it with family="{NEGATIVE_BINOMIAL}" alone'
        )
    if name is None:
        if link is not None:
            raise OptionError(option="link", value=link, allowed="it with `family`")
        return None
    return family_named(name, link)


def usual(family: Family) -> Family:
    """The family of a specification: of a negative binomial that of counts."""
    return family if family.shape is None else family_named("poisson", "log")


def _require_generator(rng: Rng, family: Family | None) -> None:
    if rng == "R" and family is not None:
        raise OptionError(option="rng", value=rng, allowed='"numpy" for a generalized model')


def part_of(
    design: ModelMatrices, *, beta: Any, sigma: Any, covariances: Any, family: Family | None
) -> Part:
    """A design with its parameters, which are checked."""
    if family is not None and not has_dispersion(family):
        if not (sigma is None or (is_number(sigma) and sigma == 1.0)):
            raise OptionError(
                option="sigma", value=sigma, allowed=f"None for the {family.name} family"
            )
        sigma = 1.0
    if not (is_number(sigma) and np.isfinite(sigma) and sigma >= 0):
        raise OptionError(option="sigma", value=sigma, allowed="a number of 0 or more")
    kept = design.rows.kept
    return Part(
        design=design,
        rows=np.arange(design.n) if kept is None else np.flatnonzero(kept),
        beta=named_vector("beta", beta, design.x_names),
        covariances=covariances_of(covariances, design.terms),
        sigma=float(sigma),
        family=family,
    )


def _rows_by_level(data: Any, by: str) -> dict[str | None, NDArray[np.bool_] | None]:
    """The rows of each level, in the order of the levels."""
    frame = read_frame(data, [by], as_factor=[by])
    factor = frame.columns[by]
    if not isinstance(factor, Factor):
        raise OptionError(option="by", value=by, allowed="a column that groups rows")
    codes = np.full(frame.n_given, -1)
    codes[slice(None) if frame.kept is None else frame.kept] = factor.codes
    return {level: codes == code for code, level in enumerate(factor.levels)}


def _for_level(value: Any, level: str | None, levels: Iterable[str | None]) -> Any:
    """The value of a mapping from levels for one level; any other value holds for all levels."""
    if level is None or not isinstance(value, Mapping):
        return value
    by_level = {str(name): own for name, own in value.items()}
    return by_level[level] if set(by_level) == set(levels) else value


def _require_more_levels_than_effects(part: Part) -> None:
    for step in part.steps:
        if step.covariance is not None and step.size <= len(step.covariance):
            term = part.design.terms[step.terms[0]]
            raise OptionError(
                option="empirical",
                value=True,
                allowed=f"False, or data with more levels of {term.group}: {step.size} levels of "
                f"{len(step.covariance)} effects have no sample covariance of full rank",
            )


def response_name(formula: str) -> str:
    """The column on the left side of the formula: of counts the successes.

    Raises
    ------
    ResponseError
        If the left side is another expression, so that the column to fill is unknown.
    """
    response = parse_formula(formula).response
    if (drawn := _drawn(response)) is not None:
        return drawn
    if isinstance(response, Call) and response.function == "cbind":
        raise ResponseError(
            response=deparse(response),
            found="one column is drawn, the successes, and failures follow it where they are "
            "written as a difference",
            remedy="Write cbind(successes, trials - successes).",
        )
    raise ResponseError(
        response=deparse(response),
        found="it is an expression, not a column",
        remedy="Simulate the expression under a separate name, as in 'logy ~ x + (1 | g)'.",
    )


def _drawn(response: Node) -> str | None:
    """The column that is drawn: the response, or s of cbind(s, m - s); None for expressions."""
    match response:
        case Name(name=name):
            return name
        case Call(function="cbind", arguments=(Argument(value=Name(name=name)), failures)):
            match failures.value:
                case Binary(operator="-", right=Name(name=taken)) if taken == name:
                    return name
    return None


def design_of_predictors(
    formula: str,
    data: Any,
    *,
    weights: str | ArrayLike | None,
    offset: str | ArrayLike | None,
    contrasts: Mapping[str, Contrast] | None,
    subset: NDArray[np.bool_] | None,
    family: Family | None = None,
) -> ModelMatrices:
    """The design of a formula on a table that need not have the response.

    A response among the columns is ignored, so that its missing values exclude no row.
    """
    response = response_name(formula)
    named = [name for name in parse_formula(formula).columns if name != response]
    numbers = placeholder(family, open_table(data).of(named).nrow)
    own: dict[str, Any] = {"family": usual(family), "reml": False} if family is not None else {}
    arguments = ModelArguments(
        weights=weights, offset=offset, subset=subset, contrasts=contrasts, **own
    )
    spec = specified(formula, with_column(data, response, numbers), arguments)
    require_fittable(spec, more_effects_than_rows=True)
    return build(spec)


def specification_of(model: FittedModel) -> ModelSpec:
    """The specification of a fitted model: formula and data.

    Raises
    ------
    NotAvailableError
        If the model has no data.
    """
    if model.spec is None:
        raise NotAvailableError(
            asked="Drawing data from a fit",
            found="this fit came from JSON, which carries no data",
            remedy="Fit the model again, or keep the fit by pickle, which carries all of it.",
        )
    return model.spec


def simulator_of(model: FittedModel, *, empirical: bool, rng: Rng, library: Library) -> Simulator:
    """The model at its estimates, on the rows that it was fitted to; `library` is that of frames.

    Raises
    ------
    NotAvailableError
        If the model has no data.
    """
    choice("rng", rng, Rng)
    empirical = true_or_false("empirical", empirical)
    spec = specification_of(model)
    info = model.info()
    family = None if info.family is None else family_of_name(info.family, info.link)
    if family is not None and family.shape is not None:
        # R's name of the family has few digits.
        family = negative_binomial(float(model.getme("glmer.nb.theta")), family.link)
    _require_generator(rng, family)
    with silenced():
        # The warnings about dropped columns and rows were given at the fit.
        design = build(spec)
    estimates = model.estimates()
    part = part_of(
        design, beta=estimates.beta, sigma=estimates.sigma, covariances=model.varcorr(),
        family=family,
    )  # fmt: skip
    return Simulator(
        formula=design.formula,
        response=_drawn(spec.formula.response) or response_column(spec.formula.response),
        data=_native(frame_of_given(spec.frame), library),
        n_rows=design.rows.n_given,
        parts=(part,),
        empirical=empirical,
        rng=rng,
        library=library,
    )


def _native(frame: pd.DataFrame, library: Library) -> Any:
    """The data in a library. Only pandas has row labels."""
    labelled = library == "pandas"
    return to_native(frame if labelled else frame.reset_index(drop=True), library)
