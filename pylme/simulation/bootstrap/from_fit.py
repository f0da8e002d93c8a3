"""A fitted model as a simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylme.draws.seeds import Rng
from pylme.errors import NotAvailableError
from pylme.frame import frame_of_given
from pylme.model_matrix.build import build
from pylme.model_matrix.response import response_column
from pylme.options import choice, true_or_false
from pylme.simulation.draw.simulator import Simulator
from pylme.simulation.draw.specification import part_of
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from pylme.model_matrix.spec import ModelSpec
    from pylme.results.fitted_model import FittedModel

__all__ = ["simulator_of", "specification_of"]


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


def simulator_of(model: FittedModel, *, empirical: bool, rng: Rng) -> Simulator:
    """The model at its estimates, on the rows that it was fitted to.

    Raises
    ------
    NotAvailableError
        If the model is a generalized one, or has no data.
    """
    choice("rng", rng, Rng)
    empirical = true_or_false("empirical", empirical)
    spec = specification_of(model)
    if spec.family is not None:
        raise NotAvailableError(
            asked="Drawing data from a fit",
            found=f"its family is {spec.family.name}, and pylme draws from linear mixed models",
            remedy="Draw with R's simulate(), or fit a linear model with lmer().",
        )
    with silenced():
        # The warnings about dropped columns and rows were given at the fit.
        design = build(spec)
    estimates = model.estimates()
    part = part_of(design, beta=estimates.beta, sigma=estimates.sigma, covariances=model.varcorr())
    return Simulator(
        formula=design.formula,
        response=response_column(spec.formula.response),
        data=frame_of_given(spec.frame),
        n_rows=design.rows.n_given,
        parts=(part,),
        empirical=empirical,
        rng=rng,
    )
