"""Single fits, and blocks of fits, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.simulation.estimate.block import FIT_COLUMNS, Block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.simulation.estimate.record import Record

__all__ = ["joined", "stacked"]


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
