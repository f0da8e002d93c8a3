"""Fitted values, residuals and the columns of the model, row by row."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from pylme.fit.model import FitModel
from pylme.options import choice
from pylme.results.fitted_model import ResidualType
from pylme.results.tables import tidying

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pylme.results.tables.tidying import Names

__all__ = ["FitRows"]


class FitRows(FitModel):
    """Values in the rows of the data given, or in those used."""

    @cached_property
    def _fitted(self) -> NDArray[np.float64]:
        return self._model.fitted()

    @property
    def fitted(self) -> Any:
        """Fitted values in the rows of the data given, a Series; NaN where a row was left out.

        Of a fit to lazy data, the data with a column ``fitted``, a lazy frame of the same library.
        """
        if self._is_of_lazy_data:
            from pylme.inference.prediction.lazy import fitted_lazily

            return fitted_lazily(self._model)
        return self._native(self._rows.place(self._fitted, name="fitted"))

    @property
    def residuals(self) -> Any:
        """Residuals as R's ``residuals(fit)`` gives them, in the rows of the data given.

        Of a fit to lazy data, the data with a column ``residuals``, a lazy frame of the same
        library.
        """
        return self.residuals_of(self._default_residuals)

    @property
    def _default_residuals(self) -> ResidualType:
        return "response" if self._info.family is None else "deviance"

    def residuals_of(self, kind: ResidualType) -> Any:
        """Residuals of one kind in the rows of the data given; NaN where a row was left out.

        Parameters
        ----------
        kind : {"deviance", "pearson", "response", "working", "scaled"}
            R's types; "scaled" are Pearson residuals divided by sigma, as in a summary.

        Raises
        ------
        OptionError
            If no such kind exists.
        """
        kind = choice("kind", kind, ResidualType)
        if self._is_of_lazy_data:
            from pylme.inference.prediction.lazy import residuals_lazily

            return residuals_lazily(self._model, kind)
        return self._native(self._rows.place(self._model.residuals(kind), name="residuals"))

    def model_frame(self) -> Any:
        """The columns that the model used, by R's names for them, in the rows used.

        Raises
        ------
        NotAvailableError
            If the fit came from JSON.
        """
        columns = dict(self._model.columns())
        return self._of_rows(pd.DataFrame(columns, index=self._rows.used_index))

    def augment(self, *, names: Names = "pylme") -> Any:
        """The rows used with fitted values, residuals and influence, with broom.mixed's columns.

        Parameters
        ----------
        names : {"pylme", "broom"}
            The names of the added columns begin with an underscore, ``_fitted``; with "broom" they
            begin with a dot, ``.fitted``.

        Raises
        ------
        NotAvailableError
            If the fit came from JSON.
        OptionError
            If `names` is neither.
        """
        rows = tidying.augmented(
            self._model.columns(), self._model.row_quantities(), self._rows.used_index, names=names
        )
        return self._of_rows(rows)
