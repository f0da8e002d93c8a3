"""Measure coverage and size: ``python -m tests.inference.coverage [--report FILE] [name ...]``.

Of 5,000 sets each, one to five minutes of a core. The numbers go to a file of JSON lines
beside the report, whose table is made from all of that file: some simulations may be run again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
import warnings
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from .cases import CASES
from .measured import SETS, Measured

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEAD = ["| design | what is counted | sets | share | error | expected | by | commit |",
         "| --- | --- | ---: | ---: | ---: | --- | --- | --- |"]  # fmt: skip


def main() -> None:
    """Print a line for each share; the exit status is 1 where one is not as expected."""
    parser = argparse.ArgumentParser(prog="python -m tests.inference.coverage")
    parser.add_argument("names", nargs="*", default=["*"], help=", ".join(CASES))
    parser.add_argument("--sets", type=int, default=SETS)
    parser.add_argument("--report", type=Path, help="a Markdown file for the table")
    given = parser.parse_args()
    kept = True
    for name, case in CASES.items():
        if not any(fnmatchcase(name, pattern) for pattern in given.names):
            continue
        started = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = case(given.sets)
        seconds = time.process_time() - started
        print(f"--- {name}, {seconds:.0f} s of processor time", flush=True)
        print(*found, sep="\n", flush=True)
        kept = kept and all(each.kept for each in found)
        if given.report is not None:
            own = {"name": name, "commit": _commit(), "seconds": round(seconds)}
            own["measured"] = [asdict(each) for each in found]
            rows = given.report.with_suffix(".jsonl")
            with rows.open("a", encoding="utf-8") as file:
                print(json.dumps(own, ensure_ascii=False), file=file)
            lines = rows.read_text(encoding="utf-8").splitlines()
            given.report.write_text(markdown(lines), encoding="utf-8")
    raise SystemExit(not kept)


def _commit() -> str:
    return subprocess.run(
        ["git", "rev-parse", "--short=10", "HEAD"],
        cwd=Path(__file__).parent, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip


def markdown(rows: Iterable[str]) -> str:
    """The table of the last run of each simulation.

    Parameters
    ----------
    rows : iterable of str
        The JSON lines.
    """
    last = {row["name"]: row for row in map(json.loads, rows)}
    runs = [last[name] for name in CASES if name in last]
    measured = [(Measured(**each), run["commit"]) for run in runs for each in run["measured"]]
    outside = sum(not each.kept for each, _ in measured)
    missing = [name for name in CASES if name not in last]
    lines = [
        f"{len(measured)} shares, {outside} of them further than three Monte Carlo errors from "
        f"what is expected; {sum(run['seconds'] for run in runs) / 60:.0f} minutes of processor "
        f"time{'; not yet run: ' + ', '.join(missing) if missing else ''}.", "", *_HEAD,
    ]  # fmt: skip
    for each, commit in measured:
        design = each.design.replace("|", "\\|")
        lines.append(
            f"| {design} | {each.what} | {each.sets:,} | {each.share:.4f} "
            f"| {each.reach(each.share) / 3.0:.4f} | {each.span} | {each.expected} | {commit} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
