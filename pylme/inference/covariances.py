"""Covariance matrices of the fixed effects other than the engine's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from pylme.errors import NotAvailableError
from pylme.inference.ddf import NOT_LINEAR
from pylme.inference.targets import Targets, infer
from pylme.versions import has

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.inference.kernels import Kernels
    from pylme.results.fitted_model import FittedModel

__all__ = ["CovarianceKind", "adjusted_covariance", "generalized_covariance"]

#: Since lme4 1.1-38.
_NOR: Final = ", and lme4 computes none for singular fits, many rows and many parameters"

CovarianceKind = Literal["model", "kenward-roger", "hessian", "rx", "CR0", "CR2"]


def adjusted_covariance(kernels: Kernels | None, *, linear: bool) -> NDArray[np.float64]:
    """Kenward and Roger's Φ_A of the REML fit, shape (p, p).

    Parameters
    ----------
    kernels : Kernels or None
    linear : bool
        Whether the model is a linear one.

    Raises
    ------
    NotAvailableError
        If there are no kernels, or a term has a covariance structure.
    """
    if kernels is None or kernels.problem.structured:
        found = "a fit from JSON does not contain the matrices that it is computed from"
        if not linear:
            found = "it is defined for linear mixed models, and this is a generalized one"
        elif kernels is not None:
            found = NOT_LINEAR
        raise NotAvailableError(
            asked="Computing Kenward and Roger's covariance matrix of the fixed effects",
            found=found,
            remedy='Use kind="model".',
        )
    targets = Targets(x=np.eye(len(kernels.beta)))
    covariance = infer(kernels, targets, ddf="kenward-roger").covariance
    if covariance is None:
        raise TypeError
    return covariance


def generalized_covariance(
    model: FittedModel, kind: Literal["hessian", "rx"], *, p: int
) -> NDArray[np.float64]:
    """The covariance matrix of the fixed effects of a generalized model, shape (p, p).

    With D the deviance as a function of (θ, β), the first is the block of β in 2(∂²D)⁻¹; the second
    is σ²(R_XᵀR_X)⁻¹ of the last penalized weighted least squares problem, with θ held fixed (Bates,
    Mächler, Bolker & Walker 2015, section 5.2, for the linear counterpart).

    Parameters
    ----------
    model : FittedModel
    kind : {"hessian", "rx"}
    p : int

    Raises
    ------
    NotAvailableError
        If the model is a linear one, or no second derivatives were computed at the fit.
    """
    if model.info().family is None:
        raise NotAvailableError(
            asked=f"Computing the covariance matrix of the fixed effects by {kind!r}",
            found="in a linear model the variances do not depend on the fixed effects, so that "
            "there is one covariance matrix",
            remedy='Use kind="model", or "kenward-roger" for one that is adjusted for small '
            "samples.",
        )
    if kind == "rx":
        RX = np.atleast_2d(model.getme("RX"))
        inverse = np.linalg.inv(RX)
        return np.asarray(model.estimates().sigma ** 2 * (inverse @ inverse.T))
    hessian = model.optinfo().hessian
    if hessian is None or len(hessian) <= len(model.estimates().theta):
        raise NotAvailableError(
            asked="Computing the covariance matrix of the fixed effects from second derivatives",
            found="the fit has none: they are computed at its end, but not with n_agq=0 or where "
            "the control has calc_derivs=False" + _NOR * has("sparse_derivatives"),
            remedy='Use kind="rx", or fit with n_agq=1 or more.',
        )
    whole = 2.0 * np.linalg.inv(hessian)
    block = whole[-p:, -p:]
    return np.asarray(0.5 * (block + block.T))
