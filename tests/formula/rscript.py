"""R as the oracle: one process answers a whole list of questions."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_FRAME = """
answer <- function(line) {{ {body} }}
lines <- readLines({file}, encoding = "UTF-8")
for (line in lines) cat(
  tryCatch(
    paste(answer(line), collapse = "\\x1f"), error = function(e) paste0("error: ", e$message)
  ),
  "\\x1e\\n", sep = ""
)
"""


def ask_r(
    body: str, lines: Sequence[str], directory: Path, *, package: str = ""
) -> list[list[str]]:
    """The strings that the R function with this body gives for each line of text, called `line`."""
    if shutil.which("Rscript") is None:
        if os.environ.get("PYLME_REQUIRE_R") == "1":
            pytest.fail("PYLME_REQUIRE_R=1, but there is no Rscript", pytrace=False)
        pytest.skip("there is no Rscript")
    assert not any("\n" in line for line in lines)
    questions, program = directory / "questions.txt", directory / "answer.R"
    questions.write_text("\n".join(lines) + "\n", encoding="utf-8")
    loading = f"suppressMessages(library({package}))\n" if package else ""
    program.write_text(
        loading + _FRAME.format(body=body, file=f'"{questions.as_posix()}"'), encoding="utf-8"
    )
    done = subprocess.run(
        ["Rscript", "--vanilla", program],
        capture_output=True,
        check=True,
        encoding="utf-8",
        env=os.environ | {"LC_ALL": "C.UTF-8"},
    )
    answers = done.stdout.split("\x1e\n")[:-1]
    assert len(answers) == len(lines)
    return [answer.split("\x1f") for answer in answers]
