"""Descriptions that contradict themselves are refused."""

from __future__ import annotations

import pytest

from pylme.render import NamedValues, Table


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rows": (("1",),)}, "row 0 has 1 cells for 2 columns"),
        ({"row_names": ()}, "0 row names for 1 rows"),
        ({"align": ("left",)}, "1 alignments for 2 columns"),
    ],
)
def test_lengths_must_agree(wrong, message):
    right = {"columns": ("a", "b"), "rows": (("1", "2"),)}
    with pytest.raises(ValueError, match=message):
        Table(**(right | wrong))


def test_as_many_names_as_values():
    with pytest.raises(ValueError, match="1 names for 2 values"):
        NamedValues(names=("a",), values=("1", "2"))


def test_row_names_that_are_all_blank_are_no_labels():
    table = Table(columns=("a",), rows=(("1",), ("2",)), row_names=("", " "))
    assert table.labels is None
