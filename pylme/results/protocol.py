"""What can be asked of a fitted model, whichever engine fitted it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from pylme.model_matrix.spec import ModelSpec
    from pylme.results.condition import Condition
    from pylme.results.estimates import Estimates, ModelInfo
    from pylme.results.linear_problem import LinearProblem
    from pylme.results.optinfo import OptInfo
    from pylme.results.ranef import RandomEffects
    from pylme.results.record import FitRecord
    from pylme.results.varcorr import VarCorr
    from pylme.results.variance_errors import VarianceErrors

__all__ = ["FittedModel", "ResidualType"]

ResidualType = Literal["deviance", "pearson", "response", "working", "scaled"]


class FittedModel(Protocol):
    """A fitted model: an engine's own object behind a face that both engines have.

    Every method computes or fetches when it is called; who holds the model keeps what it got.
    Per-row arrays are in the order of the rows that were used.
    """

    @property
    def engine(self) -> str:
        """The engine's name."""
        ...

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What was said during the fit, in order."""
        ...

    @property
    def spec(self) -> ModelSpec | None:
        """What was fitted to which data; None where the data were not saved."""
        ...

    def record(self) -> FitRecord:
        """What a study keeps of a fit, at once."""
        ...

    def info(self) -> ModelInfo:
        """What was fitted to what."""
        ...

    def estimates(self) -> Estimates:
        """The numbers that define the fit."""
        ...

    def linear_problem(self) -> LinearProblem | None:
        """The linear mixed model that was fitted, as arrays, with theta.

        None for a generalized model, and where the matrices were not saved.
        """
        ...

    def vcov(self) -> NDArray[np.float64]:
        """Covariance matrix of the fixed effects, shape (p, p)."""
        ...

    def varcorr(self) -> VarCorr:
        """Variances and correlations of the random effects."""
        ...

    def variance_errors(self) -> VarianceErrors | None:
        """Standard errors of the variance components; None where the engine gives none."""
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
        """What each row has beside fitted value and residual, by broom.mixed's column names."""
        ...

    def refit_from(self, theta: NDArray[np.float64]) -> FittedModel:
        """The same model fitted again, the search starting at `theta`."""
        ...
