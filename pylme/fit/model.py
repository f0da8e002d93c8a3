"""A fitted model and its request: the formula, the data, the family, and the rows used."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from pylme.errors import NotAvailableError
from pylme.families.family import family_of_name
from pylme.frame import frame_of_used, to_native
from pylme.render import Rendered

if TYPE_CHECKING:
    import pandas as pd

    from pylme.crosscheck.report import CrossCheck
    from pylme.families import Family
    from pylme.frame import Library
    from pylme.identifiability.identify import Design
    from pylme.options import EngineName
    from pylme.results.engine import FitRequest
    from pylme.results.estimates import Estimates, ModelInfo
    from pylme.results.fitted_model import Condition, FittedModel

__all__ = ["FitModel"]


class FitModel(Rendered):
    """What was fitted, by which engine, to which rows."""

    def __init__(self, model: FittedModel, request: FitRequest | None = None) -> None:
        self._model = model
        self._request = request
        self._rows = model.rows
        self._checks: dict[tuple[int | None, int | None], CrossCheck] = {}

    def to_pandas(self) -> Self:
        """The same fit with pandas frames, whatever the library of its data."""
        if self._rows.library == "pandas":
            return self
        fit = copy(self)
        fit._rows = replace(self._rows, library="pandas")  # noqa: SLF001  (of this class)
        fit._checks = {  # noqa: SLF001
            asked: replace(check, library="pandas") for asked, check in self._checks.items()
        }
        for record in ("design", "varcorr", "optinfo"):
            fit.__dict__.pop(record, None)
        return fit

    @property
    def library(self) -> Library:
        """The library of the data, in which frames are returned: pandas, polars or pyarrow."""
        return self._rows.library

    def _native(self, result: pd.DataFrame | pd.Series[Any], *, labels: str = "index") -> Any:
        """A frame, or a Series of rows, in the library of the data."""
        return to_native(result, self.library, labels=labels)

    def _of_rows(self, frame: pd.DataFrame) -> Any:
        """A frame with a line for each row used. Only pandas has row labels."""
        labelled = self.library == "pandas" or self._rows.index is not None
        return self._native(frame if labelled else frame.reset_index(drop=True))

    @cached_property
    def _info(self) -> ModelInfo:
        return self._model.info()

    @cached_property
    def _estimates(self) -> Estimates:
        return self._model.estimates()

    @property
    def engine(self) -> EngineName:
        """The engine that fitted the model."""
        return self._model.engine

    @property
    def formula(self) -> str:
        """The model formula, as R writes it."""
        return self._info.formula

    @cached_property
    def design(self) -> Design:
        """The matrices of the model as `pylme.design` makes them, for a fit by either engine.

        Raises
        ------
        NotAvailableError
            If only R can evaluate the formula, or the fit came from JSON.
        """
        from pylme.identifiability.identify import Design

        design = Design.of(self._model.design)
        return replace(design, rows=replace(design.rows, library=self.library))

    @property
    def data(self) -> Any:
        """The columns that the model uses, in the rows used, in the library of the data.

        Columns keep their names and values; weights and offsets that were given as arrays are
        columns too. A dict of arrays is returned as a pandas DataFrame.

        Raises
        ------
        NotAvailableError
            If the fit came from JSON, which contains no data.
        """
        spec = self._model.spec
        if spec is None:
            raise NotAvailableError(
                asked="Reading the data of a fit",
                found="this fit came from JSON, which carries no data",
                remedy="Fit the model again, or keep the fit by pickle, which carries all of it.",
            )
        return self._of_rows(frame_of_used(spec.frame, self._rows))

    @property
    def family(self) -> Family:
        """The conditional distribution of the response and the link.

        Gaussian with the identity link for a linear model. The ϑ of a negative binomial has the
        digits that R prints; ``fit.getme("glmer.nb.theta")`` has all digits.
        """
        return family_of_name(self._info.family, self._info.link)

    @property
    def _has_rows(self) -> bool:
        """Whether the fit was made from rows, and not from sums of lazy data."""
        return self._model.has_rows

    @property
    def _is_of_lazy_data(self) -> bool:
        """Whether the engine of lazy data can be asked for values in its rows."""
        return not self._has_rows and self._model.spec is not None

    def _require_rows(self, asked: str) -> None:
        """Raise where the fit was made from sums of lazy data, and holds no rows.

        Parameters
        ----------
        asked : str
            What needs them, for the message.

        Raises
        ------
        NotAvailableError
        """
        if not self._has_rows:
            self._model.design.require_rows(asked)

    @property
    def nobs(self) -> int:
        """The number of rows used."""
        return self._info.nobs

    @property
    def ngrps(self) -> dict[str, int]:
        """Levels of each grouping factor."""
        return dict(self._info.ngrps)

    @property
    def success(self) -> str | None:
        """The level of a binomial response that counts as success; None for a numeric response.

        ``"TRUE"`` for truth values. R treats the first level of a factor as failure.
        """
        outcomes = self._info.outcomes
        return None if outcomes is None else outcomes[1]

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Warnings and messages of the engine during the fit, in order."""
        return self._model.conditions
