"""The model of a fit's response, from which responses are drawn and residuals are computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.draws.from_model import DrawnEffects, ResponseModel
from pylme.errors import NotAvailableError
from pylme.families import negative_binomial
from pylme.families.family import family_of_name
from pylme.inference.prediction.random_part import random_part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.results.fitted_model import FittedModel

__all__ = ["matrices_of", "observed", "response_model"]


def matrices_of(model: FittedModel) -> Any:
    """The matrices of a model: pylme's own, or where R alone can make them, those that it solved.

    Raises
    ------
    NotAvailableError
        If there are none.
    """
    try:
        design = model.design
    except NotAvailableError:
        if model.spec is None or (linear := model.linear_problem()) is None:
            raise
        return linear
    design.require_rows("Drawing responses, or reading those of the data")
    return design


def observed(model: FittedModel) -> NDArray[np.float64]:
    """The response as it is drawn, shape (n,): of successes and failures the successes."""
    y: NDArray[np.float64] = matrices_of(model).y
    return y[:, 0] if y.ndim > 1 else y


def response_model(model: FittedModel, random: object) -> ResponseModel:
    """The model of the response, the effects that `random` names held at their modes.

    Parameters
    ----------
    model : FittedModel
    random : "all", "none", sequence of str or str
        As for `random_part`.
    """
    matrices, estimates, info = matrices_of(model), model.estimates(), model.info()
    terms = matrices.terms
    parts = random_part(random, terms, getattr(matrices, "recipe", None))
    held = {part.position: part.columns for part in parts}
    eta = matrices.X @ estimates.beta + matrices.offset
    modes = {effects.group: effects.modes for effects in model.ranef()} if held else {}
    places: dict[str, int] = {}
    drawn = []
    for position, (term, own) in enumerate(zip(terms, model.varcorr().terms, strict=True)):
        start = places.get(term.group, 0)
        places[term.group] = start + len(term.names)
        columns = held.get(position, ())
        for column in columns:
            eta += term.columns[:, column] * modes[term.group][term.codes, start + column]
        rest = [i for i in range(len(term.names)) if i not in columns]
        if rest:
            drawn.append(
                DrawnEffects(
                    levels=len(term.levels),
                    codes=term.codes,
                    columns=term.columns[:, rest],
                    covariance=own.cov[np.ix_(rest, rest)],
                )
            )
    family = None if info.family is None else family_of_name(info.family, info.link)
    if family is not None and family.shape is not None:
        # R's name of the family has few digits.
        family = negative_binomial(float(model.getme("glmer.nb.theta")), family.link)
    weights = np.ones(len(eta)) if matrices.weights is None else matrices.weights
    return ResponseModel(
        eta=eta,
        drawn=tuple(drawn),
        family=family,
        sigma=estimates.sigma,
        weights=weights,
        trials=matrices.y.sum(axis=1) if matrices.y.ndim > 1 else None,
    )
