"""R in a process of its own, and how numbers and texts get there whole."""

from __future__ import annotations

import math
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["as_hex", "as_r_number", "rscript"]

#: Reads a file of ours: fields between semicolons, items of a field between commas.
PREAMBLE = """
fields <- function(path) strsplit(readLines(path), ";", fixed = TRUE)
items <- function(field) strsplit(field, ",", fixed = TRUE)[[1L]]
numbers <- function(field) as.numeric(items(field))
texts <- function(field) vapply(items(field), function(hex) {
  if (hex == "-") return("")
  at <- seq(1L, nchar(hex), 2L)
  text <- rawToChar(as.raw(strtoi(substring(hex, at, at + 1L), 16L)))
  Encoding(text) <- "UTF-8"
  text
}, "", USE.NAMES = FALSE)
"""


def rscript(code: str, lines: list[str], folder: Path) -> str:
    """What R code writes to the connection `out`, given lines in the file `given`."""
    given, script, out = folder / "given.txt", folder / "script.R", folder / "out.txt"
    given.write_text("\n".join(lines) + "\n", encoding="utf-8")
    head = (
        f'given <- "{given.as_posix()}"; out <- file("{out.as_posix()}", "w", encoding = "UTF-8")'
    )
    script.write_text(f"{head}\n{PREAMBLE}\n{code}\nclose(out)\n", encoding="utf-8")
    subprocess.run(["Rscript", "--vanilla", script], check=True, capture_output=True)
    return out.read_text(encoding="utf-8")


def as_r_number(x: float | None) -> str:
    """A number that R's ``as.numeric`` reads back bit for bit."""
    if x is None:
        return "NA"
    if math.isnan(x):
        return "NaN"
    return x.hex() if math.isfinite(x) else "Inf" if x > 0 else "-Inf"


def as_hex(text: str) -> str:
    """A text as hexadecimal digits of its UTF-8."""
    return text.encode().hex() or "-"
