"""Records of single fits put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.study.block import FIT_COLUMNS, Block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.study.record import Record

__all__ = ["stacked"]


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
