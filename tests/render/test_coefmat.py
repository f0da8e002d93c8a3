"""R's printCoefmat() is met character for character."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from pylme.render.coefmat import coefficient_table
from pylme.render.text import to_text
from tests.render.draws import seeded
from tests.render.rscript import as_hex, as_r_number, rscript

if TYPE_CHECKING:
    from random import Random

PRINT = """
for (line in fields(given)) {
  names <- texts(line[4L])
  x <- matrix(numbers(line[5L]), nrow = length(names), byrow = TRUE,
              dimnames = list(names, texts(line[3L])))
  digits <- as.integer(line[2L])
  shown <- switch(line[1L],
    plain = capture.output(printCoefmat(x, digits = digits)),
    "no stars" = capture.output(printCoefmat(x, digits = digits, signif.stars = FALSE)),
    df = capture.output(printCoefmat(x, digits = digits, cs.ind = 1:2, tst.ind = 4L)),
    "df without p" = capture.output(printCoefmat(x, digits = digits, cs.ind = 1:2, tst.ind = 4L,
                                                 has.Pvalue = FALSE)))
  writeLines(c(shown, "@@"), out)
}
"""
T = ("Estimate", "Std. Error", "t value")
Z = ("Estimate", "Std. Error", "z value", "Pr(>|z|)")
DF = ("Estimate", "Std. Error", "df", "t value", "Pr(>|t|)")
SATTERTHWAITE = {"test_columns": [3], "coefficient_columns": [0, 1]}
#: R's way of calling, our options, the columns.
KINDS = (
    ("plain", {}, T),
    ("plain", {"has_pvalue": True}, Z),
    ("no stars", {"has_pvalue": True, "stars": False}, Z),
    ("df", {"has_pvalue": True, **SATTERTHWAITE}, DF),
    ("df without p", SATTERTHWAITE, DF[:4]),
)
NAMES = ("(Intercept)", "ses", "x", "sectorCatholic", "ses:sectorCatholic", "Größe", "中文")


def a_row(rng: Random, columns: tuple[str, ...], scale: float) -> list[float | None]:
    estimate: float | None = rng.gauss(0, 1) * scale
    error: float | None = abs(rng.gauss(0, 1)) * scale * rng.choice((0.01, 0.1, 1)) + 1e-12
    statistic: float | None = estimate / error
    if rng.random() < 0.1:
        estimate = rng.choice((0.0, round(estimate, 2), 1e-8, None, math.nan, math.inf, 12345678.0))
    if rng.random() < 0.1:
        error = rng.choice((0.0, round(error, 2), 1e-10, None, math.nan, 1e6))
    if rng.random() < 0.1:
        statistic = rng.choice((0.0, 1e-7, 150.123, None, -37.0))
    p = rng.choice(
        (0.0, 1.0, None, 0.05, 0.1, 0.001, rng.random(), 10 ** rng.uniform(-20, 0),
         10 ** rng.uniform(-5, 0), math.erfc(abs(statistic or 0.0) / math.sqrt(2)))
    )  # fmt: skip
    cells = dict.fromkeys(columns, p) | {
        "Estimate": estimate,
        "Std. Error": error,
        "df": 10 ** rng.uniform(0, 4),
        "t value": statistic,
        "z value": statistic,
    }
    return [cells[column] for column in columns]


@pytest.mark.needs_r
def test_equals_r(tmp_path):
    rng = seeded(6)
    cases = []
    for _ in range(500):
        call, options, columns = rng.choice(KINDS)
        names = rng.sample(NAMES, rng.randint(1, 6))
        rows = [a_row(rng, columns, 10 ** rng.choice((0, rng.uniform(-5, 5)))) for _ in names]
        cases.append((call, rng.choice((3, 4, 4, 5, 6, 7)), columns, names, rows, options))
    lines = [
        ";".join(
            [
                call,
                str(digits),
                ",".join(map(as_hex, columns)),
                ",".join(map(as_hex, names)),
                ",".join(as_r_number(x) for row in rows for x in row),
            ]
        )
        for call, digits, columns, names, rows, _ in cases
    ]
    expected = rscript(PRINT, lines, tmp_path).split("\n@@\n")[:-1]
    got = [
        to_text(coefficient_table(rows, columns=columns, row_names=names, digits=digits, **options))
        for _, digits, columns, names, rows, options in cases
    ]
    assert got == expected
    assert sum("Signif. codes" in text for text in expected) > 60


def test_what_rounding_would_hide_is_shown():
    table = coefficient_table(
        [[1234.5, 100.0, 12.345], [0.00001, 3.0, 3.3e-6]],
        columns=T,
        row_names=("a", "b"),
        digits=4,
    )
    assert float(table.rows[1][0]) == 1e-5


def test_no_stars_where_no_p_value_is_small():
    table = coefficient_table([[1.0, 1.0, 1.0, 0.3]], columns=Z, row_names=("a",), has_pvalue=True)
    assert table.columns == Z
    assert table.notes == ()
