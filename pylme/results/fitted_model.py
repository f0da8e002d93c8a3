"""The protocol of a fitted model, whichever engine fitted it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from pylme.results.estimates import Estimates
from pylme.results.optinfo import OptInfo
from pylme.results.varcorr import VarCorr
from pylme.tolerances import SINGULAR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pylme.frame import Rows
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.spec import ModelSpec
    from pylme.options import EngineName
    from pylme.results.estimates import ModelInfo
    from pylme.results.generalized_problem import GeneralizedProblem
    from pylme.results.linear_problem import LinearProblem
    from pylme.results.ranef import RandomEffects
    from pylme.results.varcorr import VarianceErrors

__all__ = ["Condition", "FitRecord", "FittedModel", "ResidualType", "fit_record"]

ResidualType = Literal["deviance", "pearson", "response", "working", "scaled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One warning or message that the engine gave during a fit.

    Attributes
    ----------
    kind : {"warning", "message"}
    message : str
        The text, without a line end.
    call : str or None
        The call that gave it, as R shows it.
    """

    kind: Literal["warning", "message"]
    message: str
    call: str | None = None

    def __str__(self) -> str:
        origin = f" [in {self.call}]" if self.call else ""
        return f"{self.kind}: {self.message}{origin}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FitRecord:
    """The numbers of a fit that need no data, as a study keeps them.

    Attributes
    ----------
    estimates : Estimates
    std_error : ndarray, shape (p,)
        Of the fixed effects.
    varcorr : VarCorr
    optinfo : OptInfo
    singular : bool
        By lme4's rule and tolerance.
    """

    estimates: Estimates
    std_error: NDArray[np.float64]
    varcorr: VarCorr
    optinfo: OptInfo
    singular: bool


def fit_record(model: FittedModel) -> FitRecord:
    """The record of a model, one part after the other."""
    return FitRecord(
        estimates=model.estimates(),
        std_error=np.sqrt(np.diag(model.vcov())),
        varcorr=model.varcorr(),
        optinfo=model.optinfo(),
        singular=model.is_singular(SINGULAR),
    )


class FittedModel(Protocol):
    """A fitted model, with the same methods for both engines.

    Every method computes or fetches its result when it is called; the caller keeps it. Arrays with
    one value for each row are in the order of the rows that were used.
    """

    @property
    def engine(self) -> EngineName:
        """The engine's name."""
        ...

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The warnings and messages of the fit, in order."""
        ...

    @property
    def rows(self) -> Rows:
        """The rows of the data that were used."""
        ...

    @property
    def spec(self) -> ModelSpec | None:
        """The specification of the model with its data; None where the data were not saved."""
        ...

    @property
    def has_rows(self) -> bool:
        """Whether the model has values for each row: not if it was fitted to sums."""
        ...

    def announce(self) -> None:
        """Give the warnings of the fit as Python warnings."""
        ...

    def leaves_little(self) -> bool:
        """Whether the residuals are so small that the fit may have no finite optimum.

        False where the engine has examined this itself.
        """
        ...

    def with_conditions(self, more: tuple[Condition, ...]) -> FittedModel:
        """The same fit with further conditions."""
        ...

    def record(self) -> FitRecord:
        """The numbers that a study keeps, in one step: each call into R takes time."""
        ...

    def info(self) -> ModelInfo:
        """The model and the data that were fitted."""
        ...

    def estimates(self) -> Estimates:
        """The numbers that define the fit."""
        ...

    def linear_problem(self) -> LinearProblem | None:
        """The linear mixed model that was fitted, as arrays, with theta.

        None for a generalized model, and where the matrices were not saved.
        """
        ...

    def generalized_problem(self) -> GeneralizedProblem | None:
        """The generalized linear mixed model that was fitted, as arrays, with its parameters.

        None for a linear model, and where the matrices were not saved.
        """
        ...

    @property
    def design(self) -> ModelMatrices:
        """The matrices that pylme makes of the specification.

        Raises
        ------
        NotAvailableError
            If only R can evaluate the formula, or the data were not saved.
        """
        ...

    def vcov(self) -> NDArray[np.float64]:
        """Covariance matrix of the fixed effects, shape (p, p)."""
        ...

    def varcorr(self) -> VarCorr:
        """Variances and correlations of the random effects."""
        ...

    def variance_errors(self) -> VarianceErrors | None:
        """Standard errors of the variance components; None where the engine computes none."""
        ...

    def optinfo(self) -> OptInfo:
        """The optimiser's record."""
        ...

    def is_singular(self, tol: float) -> bool:
        """Whether θ lies within `tol` of the boundary."""
        ...

    def ranef(self) -> tuple[RandomEffects, ...]:
        """Conditional modes, a record for each grouping factor."""
        ...

    def ranef_var(self, group: str) -> NDArray[np.float64]:
        """Conditional variances of one grouping factor, shape (levels, k, k)."""
        ...

    def fitted(self) -> NDArray[np.float64]:
        """Fitted values on the scale of the response, shape (nobs,)."""
        ...

    def residuals(self, kind: ResidualType) -> NDArray[np.float64]:
        """Residuals of one kind, shape (nobs,)."""
        ...

    def getme(self, name: str) -> Any:
        """One of the matrices and vectors that lme4's ``getME`` gives."""
        ...

    def columns(self) -> Mapping[str, Any]:
        """The columns of the model frame, for the rows used."""
        ...

    def row_quantities(self) -> Mapping[str, NDArray[np.float64]]:
        """Further quantities of each row, such as leverages, by broom.mixed's column names."""
        ...

    def refit_from(self, theta: NDArray[np.float64]) -> FittedModel:
        """The same model fitted again, the search starting at `theta`."""
        ...
