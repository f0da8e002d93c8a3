"""R's format() is met string for string."""

from __future__ import annotations

import pytest

from pylme.render.numbers import format_numbers
from tests.render.draws import seeded, vector
from tests.render.rscript import as_r_number, rscript

FORMAT = """
for (line in fields(given)) {
  x <- numbers(line[3L])
  shown <- format(x, digits = as.integer(line[1L]), nsmall = as.integer(line[2L]))
  writeLines(paste(shown, collapse = "|"), out)
}
"""


@pytest.mark.needs_r
@pytest.mark.parametrize("seed", [1, 2])
def test_equals_r_on_random_vectors(seed, tmp_path):
    rng = seeded(seed)
    cases = [
        (
            vector(rng),
            rng.choice((1, 2, 3, 4, 5, 6, 7, 7, 7, 8, 10, 12, 15, 16, 17, 22)),
            rng.choice((0, 0, 0, 1, 3, 5)),
        )
        for _ in range(4000)
    ]
    lines = [f"{digits};{nsmall};{','.join(map(as_r_number, x))}" for x, digits, nsmall in cases]
    expected = rscript(FORMAT, lines, tmp_path).splitlines()
    got = ["|".join(format_numbers(x, digits, nsmall)) for x, digits, nsmall in cases]
    assert got == expected


# What R 4.2.2 on x86-64 prints, so that the rules hold where there is no R to ask.
@pytest.mark.parametrize(
    ("values", "digits", "nsmall", "expected"),
    [
        pytest.param([612.1002, 35.07171], 5, 0, ["612.100", " 35.072"], id="common decimals"),
        pytest.param([1e5], 7, 0, ["1e+05"], id="scientific where narrower"),
        pytest.param([100000.0, 123456.0], 7, 0, ["100000", "123456"], id="fixed at a draw"),
        pytest.param([-0.0, 1.5], 7, 0, ["0.0", "1.5"], id="no negative zero"),
        pytest.param([9999.5], 4, 0, ["10000"], id="rounds up a power of ten"),
        pytest.param([0.15], 1, 0, ["0.1"], id="a tie in decimals only"),
        pytest.param([1e-300, -1.0], 7, 0, [" 1e-300", " -1e+00"], id="room for both signs"),
        pytest.param([2.0], 7, 3, ["2.000"], id="nsmall"),
        pytest.param([], 7, 0, [], id="nothing"),
    ],
)
def test_rules(values, digits, nsmall, expected):
    assert format_numbers(values, digits, nsmall) == expected


@pytest.mark.parametrize("digits", [0, 23])
def test_refuses_digits_out_of_range(digits):
    with pytest.raises(ValueError, match="from 1 to 22"):
        format_numbers([1.0], digits)
