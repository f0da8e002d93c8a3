"""What came of one model on some replicates: arrays, and the tidy rows that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pylme.simulation.estimate.parameters import Parameter

__all__ = ["COLUMNS", "FIT_COLUMNS", "OBJECT", "TEXT_COLUMNS", "Block", "framed"]

#: Columns that differ by parameter, and those that a fit has once.
PARAMETER_COLUMNS: Final = ("parameter", "effect", "group", "term", "estimate", "std_error")
FIT_COLUMNS: Final = (
    "criterion", "status", "code", "singular", "verdict", "messages", "seconds", "error",
)  # fmt: skip
COLUMNS: Final = ("replicate", "model", *PARAMETER_COLUMNS, *FIT_COLUMNS)
OBJECT: Final = np.dtype(object)
TEXT_COLUMNS: Final = (
    "model", "parameter", "effect", "group", "term", "status", "verdict", "messages", "error",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """A model's fits to R replicates.

    Attributes
    ----------
    model : str
    replicates : ndarray of int, shape (R,)
    parameters : tuple of Parameter, length P
    estimate, std_error : ndarray, shape (R, P)
        NaN where there is none.
    fits : mapping of str to sequence, length R
        By the names in `FIT_COLUMNS`; "error" is None where the fit was made.
    """

    model: str
    replicates: NDArray[np.int64]
    parameters: tuple[Parameter, ...]
    estimate: NDArray[np.float64]
    std_error: NDArray[np.float64]
    fits: Mapping[str, Sequence[Any] | NDArray[Any]]

    def fits_frame(self) -> pd.DataFrame:
        """A row for each replicate: its fit, or its error."""
        rows = np.arange(len(self.replicates))
        columns = {name: _column(name, self.fits[name], rows) for name in FIT_COLUMNS}
        return framed({"replicate": self.replicates, **columns})

    def to_frame(self) -> pd.DataFrame:
        """A row for each replicate and parameter; one for a fit that failed, with its error."""
        n, width = self.estimate.shape
        kept = np.ones((n, width), dtype=bool)
        failed = np.array([error is not None for error in self.fits["error"]], dtype=bool)
        kept[failed, 1:] = False
        if width == 0:
            kept = failed[:, None]
        rows, columns = np.nonzero(kept)
        made = ~failed[rows]
        # A failed fit has no parameter, so it reads from the last column.
        texts = np.full((4, width + 1), None, dtype=object)
        for i, parameter in enumerate(self.parameters):
            texts[:, i] = (parameter.label, *parameter)
        at = np.where(made, columns, -1)
        by_parameter = {
            name: _objects(own[at]) for name, own in zip(PARAMETER_COLUMNS, texts, strict=False)
        }
        numbers = {
            name: np.where(made, own[rows, columns], np.nan) if width else np.nan
            for name, own in (("estimate", self.estimate), ("std_error", self.std_error))
        }
        return framed(
            {
                "replicate": self.replicates[rows],
                "model": _objects(np.full(len(rows), self.model, dtype=object)),
                **by_parameter,
                **numbers,
                **{name: _column(name, self.fits[name], rows) for name in FIT_COLUMNS},
            }
        )


def _column(name: str, values: Any, rows: NDArray[np.intp]) -> Any:
    if name in TEXT_COLUMNS:
        return _objects(np.array(values, dtype=object)[rows])
    if name == "code":
        return pd.array(values, dtype="Int64")[rows]
    if name == "singular":
        return pd.array(values, dtype="boolean")[rows]
    return np.asarray(values, dtype=np.float64)[rows]


def _objects(values: NDArray[Any]) -> pd.Series[Any]:
    """Text as objects, so that what is missing is None whatever pandas makes of text."""
    return pd.Series(values, dtype=OBJECT)


def framed(columns: Mapping[str, Any]) -> pd.DataFrame:
    """A frame whose column names are objects.

    Names of pandas' type for text are looked up within `warnings.catch_warnings`, as are types that
    are named (``dtype=object``), and studies may run in several threads.
    """
    frame = pd.DataFrame(columns)
    frame.columns = pd.Index(list(columns), dtype=OBJECT)
    return frame
