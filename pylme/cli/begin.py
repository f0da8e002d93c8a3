"""How a command that works on data begins."""

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pylme.cli.model import Model
from pylme.cli.output import Output
from pylme.cli.reading import Data, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

__all__ = ["begin"]


@contextmanager
def begin(
    data: Data, *, model: Model, reading: Reading, output: Output, pictures: bool = False
) -> "Iterator[pd.DataFrame]":
    """Give the rows of the data; warnings of the work on them are printed after its output.

    What the options say is checked before the data are read: whether they fit together, and
    whether the result can be written.

    Parameters
    ----------
    data : str
        A file, the standard input, or a data set: see `Reading.rows`.
    model, reading, output
        The options of the command.
    pictures : bool
        Whether the result can be drawn.

    Raises
    ------
    OptionError
        If options contradict each other, or the result has no place.
    PylmeError
        If the data cannot be read.
    """
    from pylme.cli.console import warnings_on_stderr

    model.require_consistency()
    output.require_place(pictures=pictures)
    table = reading.rows(data)
    with warnings_on_stderr():
        yield table
