"""R's abbreviate() is met name for name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylme.render.abbreviate import abbreviate
from tests.render.draws import seeded
from tests.render.rscript import as_hex, rscript

if TYPE_CHECKING:
    from random import Random

ABBREVIATE = """
for (line in fields(given)) {
  short <- suppressWarnings(abbreviate(texts(line[2L]), as.integer(line[1L]), named = FALSE))
  writeLines(paste0(short, "|", collapse = ""), out)
}
"""
NAMES = (
    "(Intercept)", "ses", "sectorCatholic", "ses:sectorCatholic", "poly(x, 2)1", "poly(x, 2)2",
    "poly(x,  2)3", "recipeB", "recipeC", "temperature.L", "temperature^4", "btypescold", "situdo",
    "recipeB:temperature.L", "log(x + 1)", "I(x^2)", "ns(age, df = 3)1", "factor(year)1999",
    "factor(year)2000", "a", "", "  x y z  ", "Größe", "straße Öl", "naïve.col", "Ünïcödé lower",
    "éa éa eé aé", "AEIOU", "aeiou aeiou ui", "x  y", "cos(2 * pi * t/12)", "UPPER CASE NAME",
)  # fmt: skip


def a_name(rng: Random) -> str:
    kind = rng.random()
    if kind < 0.6:
        return rng.choice(NAMES)
    if kind < 0.75:
        return f"{rng.choice(NAMES)}:{rng.choice(NAMES)}"
    # Latin-1 only: beyond it R reads past the end of a table and its answer is not defined.
    return "".join(rng.choices("aeioubcdAEB .:_1(éßçâüñø", k=rng.randint(0, 25)))


@pytest.mark.needs_r
def test_equals_r(tmp_path):
    rng = seeded(5)
    cases = [
        (
            [a_name(rng) for _ in range(rng.randint(1, 12))],
            rng.choice((1, 2, 3, 4, 6, 6, 8, 11, 11, 20)),
        )
        for _ in range(1500)
    ]
    lines = [f"{minlength};{','.join(map(as_hex, names))}" for names, minlength in cases]
    expected = rscript(ABBREVIATE, lines, tmp_path).splitlines()
    got = ["".join(f"{short}|" for short in abbreviate(names, n)) for names, n in cases]
    assert got == expected


@given(st.lists(st.text(max_size=12), max_size=8), st.integers(1, 12))
def test_different_names_stay_different_and_equal_ones_equal(names, minlength):
    stripped = [name.strip(" ").lstrip(" \t\n\v\f\r") for name in names]
    short = abbreviate(names, minlength)
    whole = dict(zip(stripped, short, strict=True))
    assert short == [whole[name] for name in stripped]
    written = {name: name.translate(dict.fromkeys(map(ord, " \t\n\v\f\r"))) for name in stripped}
    if len(set(written.values())) == len(set(stripped)):
        assert len(set(whole.values())) == len(whole)
