"""The README's example, run in a process of its own: what it shows is what comes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
#: A block of Python with the block of text that follows it.
EXAMPLE = re.compile(r"```python\n(.*?)```\s*```text\n(.*?)```", re.DOTALL)


def lines(text):
    """Without blanks at line ends, which editors strip from a README."""
    return [line.rstrip() for line in text.rstrip().splitlines()]


@pytest.mark.needs_r
def test_the_example_gives_what_the_readme_shows():
    ((code, shown),) = EXAMPLE.findall(README)
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (0, "")
    assert lines(run.stdout) == lines(shown)


def test_the_readme_names_the_commands():
    for command in ("make demo", "make test", "make docs"):
        assert command in README
