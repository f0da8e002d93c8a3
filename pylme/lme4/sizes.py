"""How much memory R needs for a copy of what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import Any, Final

import numpy as np

from pylme.frame import Factor, Frame
from pylme.model_matrix.values import CodedFactor

__all__ = ["bytes_of"]

#: Of one text in R: its header, its place in a vector, and that in the table of all texts.
_TEXT: Final = 80


@singledispatch
def bytes_of(value: Any) -> int:
    """At most so many bytes; 0 of what is small."""
    del value
    return 0


@bytes_of.register
def _(value: np.ndarray) -> int:
    return 8 * value.size


@bytes_of.register
def _(value: bytes) -> int:
    return len(value)


@bytes_of.register(Mapping)
def _(value: Mapping[str, Any]) -> int:
    return sum(bytes_of(item) for item in value.values())


@bytes_of.register
def _(column: Factor) -> int:
    texts = sum(len(level) for level in column.levels) + _TEXT * len(column.levels)
    return 4 * len(column.codes) + 3 * texts


@bytes_of.register
def _(column: CodedFactor) -> int:
    return bytes_of(column.factor) + bytes_of(column.coding.values)


@bytes_of.register
def _(frame: Frame) -> int:
    return sum(
        bytes_of(column if isinstance(column, Factor | CodedFactor) else column.values)
        for column in frame.columns.values()
    )
