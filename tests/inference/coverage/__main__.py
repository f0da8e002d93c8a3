"""Measure coverage and size: ``python -m tests.inference.coverage [--report FILE] [name ...]``.

Of 5,000 sets each, in twenty minutes of one core or so.
"""

from __future__ import annotations

import argparse
import subprocess
import time
import warnings
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from .cases import CASES
from .measured import SETS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .measured import Measured


def main() -> None:
    """Print a line for each share; the exit status is 1 where one is not as expected."""
    parser = argparse.ArgumentParser(prog="python -m tests.inference.coverage")
    parser.add_argument("names", nargs="*", default=["*"], help=", ".join(CASES))
    parser.add_argument("--sets", type=int, default=SETS)
    parser.add_argument("--report", type=Path, help="a Markdown file for the table")
    given = parser.parse_args()
    measured: list[Measured] = []
    started = time.process_time()
    for name, case in CASES.items():
        if not any(fnmatchcase(name, pattern) for pattern in given.names):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            before = time.process_time()
            found = case(given.sets)
        print(f"--- {name}, {time.process_time() - before:.0f} s of processor time", flush=True)
        print(*found, sep="\n", flush=True)
        measured.extend(found)
    if given.report is not None:
        table = markdown(measured, seconds=time.process_time() - started)
        given.report.write_text(table, encoding="utf-8")
    raise SystemExit(not all(each.kept for each in measured))


def markdown(measured: Sequence[Measured], *, seconds: float) -> str:
    """The table, with the commit that it belongs to."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short=10", "HEAD"],
        cwd=Path(__file__).parent, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    outside = sum(not each.kept for each in measured)
    lines = [
        f"{len(measured)} shares at commit {commit}, {outside} of them further than three Monte "
        f"Carlo errors from what is expected; {seconds / 60:.0f} minutes of processor time.", "",
        "| design | what is counted | sets | share | error | expected | by |",
        "| --- | --- | ---: | ---: | ---: | --- | --- |",
    ]  # fmt: skip
    for each in measured:
        design = each.design.replace("|", "\\|")
        lines.append(
            f"| {design} | {each.what} | {each.sets:,} | {each.share:.4f} "
            f"| {each.reach(each.share) / 3.0:.4f} | {each.span} | {each.expected} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
