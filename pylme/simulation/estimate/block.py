"""The fits of one model to some replicates: arrays, and the tidy rows that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pylme.results.parameters import Parameter

if TYPE_CHECKING:
    from pylme.simulation.estimate.record import Record

__all__ = [
    "COLUMNS",
    "FIT_COLUMNS",
    "OBJECT",
    "TEXT_COLUMNS",
    "Block",
    "framed",
    "joined",
    "stacked",
]

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
        By the names in `FIT_COLUMNS`; "error" is None where the fit succeeded.
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
        # A failed fit has no parameters, so the last column stands for it.
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
    """Text as objects, so that a missing value is None in every version of pandas."""
    return pd.Series(values, dtype=OBJECT)


def framed(columns: Mapping[str, Any]) -> pd.DataFrame:
    """A frame whose column names are objects.

    pandas looks up names of its own text type, and types given by name (``dtype=object``), within
    `warnings.catch_warnings`, which is not safe where studies run in several threads.
    """
    frame = pd.DataFrame(columns)
    frame.columns = pd.Index(list(columns), dtype=OBJECT)
    return frame


def stacked(model: str, records: Sequence[Record], *, first: int) -> Block:
    """The block of consecutive replicates.

    Parameters
    ----------
    model : str
    records : sequence of Record
        Not all need have the same parameters: a design may differ by replicate.
    first : int
        The number of the first replicate.
    """
    parameters = tuple(dict.fromkeys(p for record in records for p in record.parameters))
    place = {parameter: i for i, parameter in enumerate(parameters)}
    estimate, std_error = np.full((2, len(records), len(parameters)), np.nan)
    for i, record in enumerate(records):
        at = [place[parameter] for parameter in record.parameters]
        estimate[i, at] = record.estimate
        std_error[i, at] = record.std_error
    return Block(
        model=model,
        replicates=first + np.arange(len(records)),
        parameters=parameters,
        estimate=estimate,
        std_error=std_error,
        fits={name: [record.fit[name] for record in records] for name in FIT_COLUMNS},
    )


def joined(blocks: Sequence[Block]) -> Block:
    """The blocks of one model on consecutive replicates as one.

    Parameters
    ----------
    blocks : sequence of Block
        One in which all fits failed has no parameters.
    """
    parameters = tuple(dict.fromkeys(p for block in blocks for p in block.parameters))
    place = {parameter: i for i, parameter in enumerate(parameters)}
    replicates = np.concatenate([block.replicates for block in blocks])
    estimate, std_error = np.full((2, len(replicates), len(parameters)), np.nan)
    first = 0
    for block in blocks:
        at = np.array([place[parameter] for parameter in block.parameters], dtype=np.intp)
        rows = slice(first, first + len(block.replicates))
        estimate[rows, at], std_error[rows, at] = block.estimate, block.std_error
        first = rows.stop
    return Block(
        model=blocks[0].model,
        replicates=replicates,
        parameters=parameters,
        estimate=estimate,
        std_error=std_error,
        fits={name: [value for block in blocks for value in block.fits[name]]
              for name in FIT_COLUMNS},
    )  # fmt: skip
