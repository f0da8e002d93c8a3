"""Widths and escapes of characters are R's."""

from __future__ import annotations

import unicodedata

import pytest

from pylme.render.text import display_width, escaped, printable
from tests.render.rscript import rscript

WIDTHS = """
codes <- as.integer(readLines(given))
texts <- vapply(codes, intToUtf8, "")
writeLines(paste(nchar(texts, "width"), encodeString(texts)), out, useBytes = TRUE)
"""
# Assigned and shown by the Unicode of Python and of R alike: Mn and Cf of late blocks are not. The
# trigrams are wide since Unicode 16, which the newest Python knows and R 4.6 does not.
CODES = [
    code
    for block in (range(0x20, 0x890), range(0x900, 0x1100), range(0x1100, 0x1734),
                  range(0x2000, 0x2028), range(0x202A, 0x2C00), range(0x3041, 0x30FF),
                  range(0x4E00, 0x5200), range(0xAC00, 0xAF00), range(0xFF01, 0xFF60),
                  range(0x1F300, 0x1F600))
    for code in block
    if code not in range(0x2630, 0x2638)
    and unicodedata.category(chr(code)) not in {"Cn", "Cs"}
    and unicodedata.ucd_3_2_0.category(chr(code)) != "Cn"
]  # fmt: skip


@pytest.mark.needs_r
def test_equals_r(tmp_path):
    got = rscript(WIDTHS, list(map(str, CODES)), tmp_path).split("\n")[:-1]
    shown = [line.split(" ", 1) for line in got]
    assert [text for _, text in shown] == [escaped(chr(code)) for code in CODES]
    plain = [(code, int(width)) for code, (width, text) in zip(CODES, shown, strict=True)
             if text == chr(code)]  # fmt: skip
    assert len(plain) > 3000
    assert [display_width(chr(code)) for code, _ in plain] == [width for _, width in plain]


def test_widths_add_up():
    assert display_width("Größe") == 5
    assert display_width("e\u0301té") == 3
    assert display_width("中文 ok") == 7


def test_backslashes_are_doubled_only_where_r_prints():
    assert printable("a\\b\n") == "a\\b\\n"
    assert escaped("a\\b\n") == "a\\\\b\\n"
