"""Python warnings as a command line shows them: the message alone, each once."""

from __future__ import annotations

import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pylme.errors import PylmeWarning

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["told_on_stderr"]


@contextmanager
def told_on_stderr() -> Iterator[None]:
    """Print warnings to the error stream, after the output, without file names and line numbers."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PylmeWarning)
        try:
            yield
        finally:
            sys.stdout.flush()
            for message in dict.fromkeys(str(warning.message) for warning in caught):
                print(f"Warning: {message}", file=sys.stderr)
