"""Matrices and named vectors are laid out as R prints them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pylme.render import Document, Facts, Lines, NamedValues, Table, to_text
from tests.render.draws import seeded
from tests.render.rscript import as_hex, rscript

if TYPE_CHECKING:
    from random import Random

PRINT = """
for (line in fields(given)) {
  m <- matrix(texts(line[6L]), nrow = as.integer(line[3L]), byrow = TRUE,
              dimnames = list(texts(line[4L]), texts(line[5L])))
  options(width = as.integer(line[2L]))
  writeLines(c(capture.output(print(m, quote = FALSE, right = line[1L] == "right")), "@@",
               capture.output(print(m[1L, ], quote = FALSE)), "@@"), out)
}
"""
ALPHABET = "abcXYZ 019.:()é中ñ😀\\\t\u0301"


def a_word(rng: Random, longest: int) -> str:
    return "".join(rng.choices(ALPHABET, k=rng.randint(0, longest)))


@pytest.mark.needs_r
def test_equals_r(tmp_path):
    rng = seeded(7)
    cases = []
    for _ in range(400):
        names = tuple(a_word(rng, 12) for _ in range(rng.randint(1, 5)))
        columns = tuple(a_word(rng, 10) for _ in range(rng.randint(2, 14)))
        rows = tuple(tuple(a_word(rng, rng.choice((3, 9, 30))) for _ in columns) for _ in names)
        align = rng.choice(("left", "right"))
        cases.append((align, rng.choice((80, 80, 40, 20, 120)), names, columns, rows))
    lines = [
        ";".join(
            [
                align,
                str(width),
                str(len(names)),
                ",".join(map(as_hex, names)),
                ",".join(map(as_hex, columns)),
                ",".join(as_hex(cell) for row in rows for cell in row),
            ]
        )
        for align, width, names, columns, rows in cases
    ]
    printed = rscript(PRINT, lines, tmp_path).split("\n@@\n")[:-1]
    matrices = [
        Table(columns=columns, rows=rows, row_names=names, align=(align,) * len(columns))
        for align, _, names, columns, rows in cases
    ]
    vectors = [NamedValues(names=columns, values=rows[0]) for *_, columns, rows in cases]
    widths = [width for _, width, *_ in cases]
    assert list(map(to_text, matrices, widths)) == printed[::2]
    assert list(map(to_text, vectors, widths)) == printed[1::2]


def test_table_without_row_names_begins_at_the_margin():
    table = Table(columns=("a", "long"), rows=(("1", "2"),), caption="C", notes=("n",))
    assert to_text(table) == "C\na long\n1    2\nn"


def test_blocks_stand_apart_and_attached_lines_do_not():
    document = Document(
        title="Title",
        blocks=(
            Facts((("a", "1"), ("long", "2\n3"))),
            Lines(("x",)),
            Lines(("y",), attached=True),
        ),
    )
    assert to_text(document) == "Title\n   a: 1\nlong: 2\n      3\n\nx\ny"
