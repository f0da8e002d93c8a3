"""What is compared of a fit, whichever engine made it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Estimated"]


class Estimated(Protocol):
    """The numbers of a fit, under the names of `pylme.lme4.system.System`, which is one."""

    @property
    def x_names(self) -> tuple[str, ...]:
        """The fixed effects."""
        ...

    @property
    def criterion(self) -> float:
        """The REML criterion or the deviance."""
        ...

    @property
    def theta(self) -> NDArray[np.float64]:
        """In lme4's order, shape (m,)."""
        ...

    @property
    def beta(self) -> NDArray[np.float64]:
        """Shape (p,)."""
        ...

    @property
    def b(self) -> NDArray[np.float64]:
        """Conditional modes, shape (q,)."""
        ...

    @property
    def sigma(self) -> float:
        """The residual standard deviation."""
        ...

    @property
    def weights(self) -> NDArray[np.float64]:
        """Prior weights, shape (n,)."""
        ...
