"""A model fitted by the NumPy engine to sums that the engine of lazy data has made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pylme.reference.model import ReferenceModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from pylme.results.fitted_model import ResidualType

__all__ = ["SummedModel"]

#: What lme4's getME has for each row.
_BY_ROW: Final = frozenset(
    {"A", "X", "Z", "Zt", "Ztlist", "flist", "mmList", "mu", "offset", "weights", "y"}
)


class SummedModel(ReferenceModel):
    """A linear mixed model fitted to sums.

    Its design has few rows with the cross products of all.
    """

    def fitted(self) -> NDArray[np.float64]:
        """Not available."""
        raise self._refusal("Computing fitted values")

    def residuals(self, kind: ResidualType) -> NDArray[np.float64]:
        """Not available."""
        raise self._refusal(f"Computing {kind} residuals")

    def columns(self) -> Mapping[str, Any]:
        """Not available."""
        raise self._refusal("Reading the model frame")

    def row_quantities(self) -> Mapping[str, NDArray[np.float64]]:
        """Not available."""
        raise self._refusal("Augmenting the data")

    def getme(self, name: str) -> Any:
        """One of the items of lme4's ``getME`` that have no rows.

        Raises
        ------
        NotAvailableError
            If it has a value for each row.
        """
        if name in _BY_ROW:
            raise self._refusal(f"Reading {name!r}")
        return super().getme(name)

    def _refusal(self, asked: str) -> Exception:
        represented = self.design.represented
        assert represented is not None  # noqa: S101  (that is what makes it a model of sums)
        return represented.refusal(asked)
