"""R's cat(fill = TRUE) is met line for line."""

from __future__ import annotations

import pytest

from pylme.render.text import fill
from tests.render.draws import seeded
from tests.render.rscript import as_hex, rscript

CAT = """
for (line in fields(given)) {
  options(width = as.integer(line[1L]))
  words <- texts(line[3L])
  cat(words, sep = if (line[2L] == "none") "" else " ", fill = TRUE, file = out)
  writeLines("@@", out)
}
"""


@pytest.mark.needs_r
def test_equals_r(tmp_path):
    rng = seeded(8)
    cases = [
        (
            rng.choice((80, 80, 30)),
            rng.choice(("", " ")),
            [
                "".join(rng.choices("abc é中", k=rng.randint(1, 40)))
                for _ in range(rng.randint(1, 8))
            ],
        )
        for _ in range(800)
    ]
    lines = [
        f"{width};{'blank' if sep else 'none'};{','.join(map(as_hex, words))}"
        for width, sep, words in cases
    ]
    expected = rscript(CAT, lines, tmp_path).split("\n@@\n")[:-1]
    assert ["\n".join(fill(words, sep=sep, width=width)) for width, sep, words in cases] == expected
