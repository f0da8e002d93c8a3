"""The README: its example is run and its commands are carried out, each in a process of its own."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
#: A block of Python with the block of text that follows it.
EXAMPLE = re.compile(r"```python\n(.*?)```\s*```text\n(.*?)```", re.DOTALL)
#: What pip installs in a line of a shell, or in a line of text.
INSTALL = re.compile(r"pip install (.*?)(?:`|  #|\s+#|$)", re.MULTILINE)
REPOSITORY = "git+https://github.com/pylme/pylme"


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


def installed_by(line, **options):
    """Whether pip resolves and builds what a line installs; nothing is installed.

    The repository is this one, in the state of its last commit. Dependencies are left out: they are
    those of the wheel, and need a network.
    """
    arguments = [
        argument.replace(REPOSITORY, f"git+{ROOT.as_uri()}") for argument in shlex.split(line)
    ]
    offline = ["--dry-run", "--no-deps", "--no-index", "--no-build-isolation", "--ignore-installed"]
    return subprocess.run(
        [sys.executable, "-m", "pip", "install", *offline, *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, **options,
    )  # fmt: skip


def test_the_lines_for_an_environment_of_ones_own_work_as_written():
    block = README.split("In your own environment")[1].split("```sh\n")[1].split("```")[0]
    commands = INSTALL.findall(block)
    assert len(commands) == 2
    for line in commands:
        if REPOSITORY in line and not (ROOT / ".git").exists():
            continue
        done = installed_by(line)
        assert done.returncode == 0, done.stderr
        assert "Would install pylme-" in done.stdout


@pytest.mark.parametrize("page", ["README.md", "docs/get_started/installation.md"])
def test_no_line_asks_an_index_for_pylme(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    named = [shlex.split(line) for line in INSTALL.findall(text)]
    assert named
    asked = [argument for line in named for argument in line if argument.startswith("pylme")]
    # The README says of the bare line that it does not work yet.
    assert {argument for argument in asked if REPOSITORY not in argument} <= (
        {"pylme"} if page == "README.md" else set()
    )
