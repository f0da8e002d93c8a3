"""R's format.pval() is met string for string."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from pylme.render.coefmat import format_pvalue
from tests.render.draws import seeded
from tests.render.rscript import as_r_number, rscript

if TYPE_CHECKING:
    from random import Random

FORMAT = """
for (line in fields(given)) {
  shown <- format.pval(numbers(line[3L]), as.integer(line[1L]), eps = as.numeric(line[2L]))
  writeLines(paste(shown, collapse = "|"), out)
}
"""


def p_value(rng: Random) -> float | None:
    kinds = (
        None,
        0.0,
        1.0,
        rng.random(),
        10 ** rng.uniform(-20, 0),
        10 ** rng.uniform(-6, 0),
        float(f"{rng.randint(1, 99)}e{rng.randint(-8, -2)}"),
    )
    return rng.choice(kinds)


@pytest.mark.needs_r
def test_equals_r(tmp_path):
    rng = seeded(4)
    cases = [
        (
            [p_value(rng) for _ in range(rng.choice((1, 2, 4, 7)))],
            rng.choice((1, 2, 3, 4, 5, 7)),
            rng.choice((sys.float_info.epsilon, 1e-4, 1e-3, 1e-10)),
        )
        for _ in range(1500)
    ]
    lines = [f"{digits};{eps.hex()};{','.join(map(as_r_number, p))}" for p, digits, eps in cases]
    expected = rscript(FORMAT, lines, tmp_path).splitlines()
    assert ["|".join(format_pvalue(p, digits, eps)) for p, digits, eps in cases] == expected


@pytest.mark.parametrize(
    ("p", "digits", "expected"),
    [
        ([0.05, 0.0], 3, ["0.05", "<2e-16"]),
        ([1e-5, 0.0], 5, ["1e-05", "<2e-16"]),
        ([0.0], 5, ["< 2.22e-16"]),
        ([None, 0.5], 5, ["NA", "0.5"]),
    ],
)
def test_rules(p, digits, expected):
    assert format_pvalue(p, digits) == expected
