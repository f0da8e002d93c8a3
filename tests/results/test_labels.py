"""The names of VarCorr's blocks against R's `make.names` and `make.unique`."""

from __future__ import annotations

import pytest

from pylme.results.labels import block_labels, unique_labels
from tests.native import native

NAMES = [
    ["Subject", "Subject"],
    ["recipe:replicate", "replicate", "replicate"],
    ["g", "g.1", "g", "g", "g.2", "g"],
    ["two words", "if", "TRUE", "1st", ".2nd", "_x", "größe", "a`b", "g", "g"],
    ["a:b", "a.b", "a:b"],
]


def as_r(names):
    quoted = ", ".join('"' + name.replace('"', '\\"') + '"' for name in names)
    return f"c({quoted})"


@pytest.mark.needs_r
@pytest.mark.parametrize("names", NAMES, ids=str)
def test_repeated_names(names):
    assert block_labels(names) == tuple(native(f"make.names({as_r(names)}, unique = TRUE)"))
    assert unique_labels(names) == tuple(native(f"make.unique({as_r(names)})"))


def test_names_that_come_once_stay():
    names = ("recipe:replicate", "two words", "if")
    assert block_labels(names) == names
