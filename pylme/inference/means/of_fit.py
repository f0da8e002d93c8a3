"""Marginal means and slopes of a fitted model, from its design and its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike

from pylme.errors import OptionError
from pylme.formula import Name, walk
from pylme.inference.ddf import Ddf, remarks
from pylme.inference.lazy_fixed_terms import require_sums, require_unweighted
from pylme.inference.means.averages import WeightsName, averaged, target_levels
from pylme.inference.means.estimator import Estimator
from pylme.inference.means.functions import LinearFunctions
from pylme.inference.means.grid_data import grid_data
from pylme.inference.means.marginal_means import MarginalMeans, names_of
from pylme.inference.means.marginaleffects import MarginalEffects
from pylme.inference.means.reference_grid import (
    grid_functions,
    grid_rows,
    predictors,
    reference_grid,
)
from pylme.inference.means.scale import ScaleKind, link_scale, response_scale, transformation
from pylme.inference.quality.explained_variance import random_variances
from pylme.text import listed

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylme.frame import Library
    from pylme.inference.kernels import Kernels
    from pylme.inference.means.grid_data import GridData
    from pylme.inference.means.reference_grid import ReferenceGrid
    from pylme.inference.means.scale import Scale
    from pylme.inference.prediction.question import Kind
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.results.fitted_model import FittedModel

__all__ = ["MeansQuestion", "marginal_effects", "marginal_means"]

#: Half the step of a slope, as a share of the predictor's range.
_STEP: Final = 2e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeansQuestion:
    """What means are asked for; the attributes are the arguments of `Fit.emmeans`."""

    specs: object
    by: object
    at: Mapping[str, Any] | None
    weights: WeightsName | ArrayLike
    kind: ScaleKind
    bias_adjust: bool | float
    ddf: Ddf
    conf_level: float


def marginal_means(
    model: FittedModel,
    kernels: Callable[[], Kernels | None],
    question: MeansQuestion,
    library: Library,
    *,
    slope_of: str | None = None,
) -> MarginalMeans:
    """Marginal means, or slopes averaged as means are.

    Parameters
    ----------
    model : FittedModel
    kernels : callable
        Gives the kernels of a linear model, None for a generalized one.
    question : MeansQuestion
    library : str
    slope_of : str, optional
        The numeric predictor whose slopes are asked for.
    """
    design = model.design
    data = _data(model)
    grid = reference_grid(
        design, data.rows, question.at, offset=data.offset, total_offset=data.total_offset,
        row_counts=data.counts,
    )  # fmt: skip
    by = names_of("by", question.by)
    specs = tuple(name for name in names_of("specs", question.specs) if name not in by)
    if slope_of is not None:
        grid = _slope_grid(design, grid, data, slope_of)
    names = (*specs, *by)
    info = model.info()
    estimator = _estimator(model, kernels, question.ddf)
    return MarginalMeans(
        specs=specs,
        by=by,
        levels=target_levels(grid, names),
        functions=averaged(grid, names, question.weights),
        estimator=estimator,
        scale=_scale(model, question),
        conf_level=question.conf_level,
        slope_of=slope_of,
        notes=tuple(_notes(design, grid, names, info.link, question, kernels=estimator.kernels)),
        library=library,
        response=design.recipe.terms.response,
    )


def marginal_effects(
    model: FittedModel, kernels: Callable[[], Kernels | None], ddf: Ddf, kind: Kind
) -> MarginalEffects:
    """The fixed effects of a fit as the library marginaleffects takes models.

    Parameters
    ----------
    model : FittedModel
    kernels : callable
        Gives the kernels of a linear model, None for a generalized one.
    ddf : {"satterthwaite", "kenward-roger", "normal"}
    kind : {"response", "link"}
    """
    design = model.design
    design.require_rows("Handing the data to marginaleffects")
    data = _data(model).rows
    terms = design.recipe.terms
    return MarginalEffects(
        design=design,
        data=data,
        predictors=predictors(terms.fixed, terms.response, data),
        estimator=_estimator(model, kernels, ddf),
        kind=kind,
    )


def _estimator(model: FittedModel, kernels: Callable[[], Kernels | None], ddf: Ddf) -> Estimator:
    return Estimator(
        aliases=model.design.aliases,
        ddf=ddf,
        kernels=kernels(),
        beta=model.estimates().beta,
        vcov=model.vcov(),
    )


def _data(model: FittedModel) -> GridData:
    """The columns of the model in the rows used."""
    spec = model.spec
    if spec is None:
        # The design, which was asked for before, says why.
        raise TypeError(model)
    return grid_data(model.design, spec)


def _slope_grid(
    design: ModelMatrices, grid: ReferenceGrid, data: GridData, var: str
) -> ReferenceGrid:
    """The same grid with the derivative of the linear predictor by a predictor.

    By central differences with step h and h/2, extrapolated: exact for polynomials up to degree 4.
    """
    axis = grid.axes[grid.position(var)]
    numeric = data.rows[var].dtype.kind in "iuf"
    if not numeric or (axis.codes is not None and axis.size > 2):
        raise OptionError(
            option="var",
            value=var,
            allowed="a numeric predictor; for a factor compare marginal means",
        )
    rows = grid_rows(grid.axes)
    width = data.width(var)
    parts = []
    for step in (_STEP * width, 0.5 * _STEP * width):
        ahead, back = (
            grid_functions(design, rows.assign(**{var: rows[var].astype(float) + side * step}))
            for side in (1.0, -1.0)
        )
        parts.append(_difference(ahead, back, 2.0 * step))
    functions = LinearFunctions(
        X=(4.0 * parts[1].X - parts[0].X) / 3.0,
        dependent=(4.0 * parts[1].dependent - parts[0].dependent) / 3.0,
        offset=(4.0 * parts[1].offset - parts[0].offset) / 3.0,
    )
    return replace(grid, functions=functions)


def _difference(ahead: LinearFunctions, back: LinearFunctions, distance: float) -> LinearFunctions:
    return LinearFunctions(
        X=(ahead.X - back.X) / distance,
        dependent=(ahead.dependent - back.dependent) / distance,
        offset=(ahead.offset - back.offset) / distance,
    )


def _scale(model: FittedModel, question: MeansQuestion) -> Scale:
    info = model.info()
    name = info.link
    if info.family is None and model.spec is not None:
        name = transformation(model.spec.formula.response)
    if question.kind == "link":
        return link_scale(name)
    if name is None:
        raise OptionError(
            option="kind",
            value="response",
            allowed='"link": the response of this model is not transformed by log, log2, log10, '
            "log1p or sqrt in the formula",
        )
    sigma = 0.0
    if question.bias_adjust is True:
        sigma = total_sigma(model)
    elif question.bias_adjust:
        sigma = float(question.bias_adjust)
    return response_scale(name, sigma)


def total_sigma(model: FittedModel) -> float:
    """The standard deviation of the linear predictor about its fixed part, residual included.

    The random part varies by the row: this is the root of the mean variance over the rows.
    """
    design = model.design
    summed = None if model.spec is None else model.spec.summed
    if summed is not None:
        require_sums(summed)
        require_unweighted(summed, "Averaging the variance of random effects over the rows")
    covariances = [own.cov for own in model.varcorr().terms]
    variance = random_variances(design.terms, covariances, design.nobs).sum()
    if model.info().family is None:
        variance += model.estimates().sigma ** 2
    return float(np.sqrt(variance))


def _notes(
    design: ModelMatrices,
    grid: ReferenceGrid,
    names: tuple[str, ...],
    link: str | None,
    question: MeansQuestion,
    *,
    kernels: Kernels | None,
) -> list[str]:
    notes = []
    others = [axis.name for axis in grid.axes if axis.name not in names and axis.size > 1]
    if others:
        weights = question.weights if isinstance(question.weights, str) else "given"
        notes.append(f"Averaged over {listed(others)} with {weights} weights.")
        crossed = [
            term.label
            for term in design.recipe.terms.fixed.terms
            if _uses(term.variables, names) and _uses(term.variables, others)
        ]
        if crossed:
            notes.append(
                f"The model has the interaction {listed(crossed)}: averages over {listed(others)} "
                "may mislead."
            )
    match question.ddf:
        case "kenward-roger":
            notes.append("Degrees of freedom by Kenward and Roger's method.")
        case "satterthwaite":
            notes.append("Degrees of freedom by Satterthwaite's method.")
        case _:
            notes.append("Normal tests and intervals.")
    notes += remarks(question.ddf, kernels)
    if link is not None:
        where = "response" if question.kind == "response" else f"{link}, the linear predictor's"
        notes.append(f"Scale: {where}.")
    return notes


def _uses(variables: tuple[Any, ...], names: tuple[str, ...] | list[str]) -> bool:
    return any(
        isinstance(part, Name) and part.name in names
        for variable in variables
        for part in walk(variable)
    )
