"""The names of VarCorr's blocks against R's `make.names` and `make.unique`."""

from __future__ import annotations

import pytest

from pylme.covariance.names import block_labels, cells, lower_triangle_places, parameter_name
from pylme.r_names import make_unique
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
    assert make_unique(names) == tuple(native(f"make.unique({as_r(names)})"))


def test_names_that_come_once_stay():
    names = ("recipe:replicate", "two words", "if")
    assert block_labels(names) == names


def test_labels_are_those_of_r_make_unique() -> None:
    assert block_labels(["g", "h", "g", "g"]) == ("g", "h", "g.1", "g.2")
    assert block_labels(["g", "g", "g.1"]) == ("g", "g.2", "g.1")


def test_a_covariance_is_named_in_the_order_of_theta():
    names = ["(Intercept)", "x"]
    assert [parameter_name(names[row], names[column], label="g") for row, column in cells(2)] == [
        "var((Intercept) | g)", "cov((Intercept), x | g)", "var(x | g)",
    ]  # fmt: skip


def test_variances_come_first_where_that_is_asked_for():
    assert cells(3) == ((0, 0), (1, 0), (2, 0), (1, 1), (2, 1), (2, 2))
    assert cells(3, "cov.last") == ((0, 0), (1, 1), (2, 2), (1, 0), (2, 0), (2, 1))
    rows, columns = lower_triangle_places(3)
    assert tuple(zip(rows.tolist(), columns.tolist(), strict=True)) == cells(3)


@pytest.mark.parametrize(
    ("style", "names"),
    [
        ("cov", ("var(x | g)", "cov((Intercept), x | g)")),
        ("sdcor", ("sd x | g", "cor (Intercept), x | g")),
        ("sdcov", ("sd x | g", "cov (Intercept), x | g")),
        ("many", ("sd[x | g]", "corr[(Intercept), x | g]")),
        ("broom", ("sd__x | g", "cor__(Intercept).x | g")),
    ],
)
def test_each_style_names_one_effect_and_two(style, names):
    made = tuple(
        parameter_name("x", column, label="g", style=style) for column in ("x", "(Intercept)")
    )
    assert made == names
