"""What the plots need of a fitted model: a part of the interface of `pylme.Fit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pylme.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from pylme.families.family import Family
    from pylme.frame import Library
    from pylme.inference.prediction.question import Interval, Kind
    from pylme.inference.profile_likelihood.profile import Profile
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.results.fitted_model import ResidualType
    from pylme.results.optinfo import OptInfo
    from pylme.results.varcorr import VarCorr

__all__ = ["Fitted", "require_fit"]


class Fitted(Protocol):
    """A fitted model, whichever engine fitted it."""

    @property
    def formula(self) -> str:
        """As R writes it."""
        ...

    @property
    def library(self) -> Library:
        """The library of the data, in which frames are returned."""
        ...

    @property
    def family(self) -> Family:
        """The conditional distribution of the response and the link."""
        ...

    @property
    def theta(self) -> NDArray[np.float64]:
        """Relative covariance parameters, shape (m,)."""
        ...

    @property
    def sigma(self) -> float:
        """Residual standard deviation."""
        ...

    @property
    def criterion(self) -> float:
        """The REML criterion or the deviance."""
        ...

    @property
    def varcorr(self) -> VarCorr:
        """Variances and correlations of the random effects."""
        ...

    @property
    def varcorr_table(self) -> pd.DataFrame:
        """The same with standard errors."""
        ...

    @property
    def ranef(self) -> dict[str, pd.DataFrame]:
        """Conditional modes by grouping factor."""
        ...

    @property
    def ranef_var(self) -> Mapping[str, NDArray[np.float64]]:
        """Conditional variances by grouping factor, shape (levels, k, k)."""
        ...

    @property
    def optinfo(self) -> OptInfo:
        """The optimiser's record."""
        ...

    @property
    def fitted(self) -> pd.Series[float]:
        """Fitted values in the rows of the data given."""
        ...

    def residuals_of(self, kind: ResidualType) -> pd.Series[float]:
        """Residuals of one kind in the rows of the data given."""
        ...

    def profile(self, parameters: str | Sequence[str] | None = None) -> Profile:
        """The profile likelihood of some parameters."""
        ...

    def model_frame(self) -> pd.DataFrame:
        """The columns that the model used, in the rows used."""
        ...

    def to_pandas(self) -> Fitted:
        """The same fit with pandas frames."""
        ...

    @property
    def data(self) -> pd.DataFrame:
        """The columns that the model uses, in the rows used."""
        ...

    @property
    def design(self) -> ModelMatrices:
        """The matrices of the model, and how they are made of other rows."""
        ...

    def predict(
        self,
        newdata: Any = None,
        *,
        random: str = "all",
        kind: Kind = "response",
        interval: Interval | None = None,
        conf_level: float = 0.95,
    ) -> Any:
        """Predictions, with intervals where they are asked for."""
        ...

    def getme(self, name: str) -> Any:
        """An item of lme4's ``getME``."""
        ...


def require_fit(fit: object) -> None:
    """Raise if `fit` is not a fitted model.

    Raises
    ------
    OptionError
        Also for a class in place of its instance.
    """
    if isinstance(fit, type) or not callable(getattr(fit, "residuals_of", None)):
        allowed = "a fitted model, as pylme.lmer returns it"
        raise OptionError(option="fit", value=fit, allowed=allowed)
