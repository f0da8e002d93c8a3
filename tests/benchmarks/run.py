"""Run the benchmarks: ``python -m tests.benchmarks.run [--smoke] [--write FILE] [name ...]``.

Without names all are run, which takes a quarter of an hour; a name may be a pattern, as "fits.*".
What takes minutes is lme4 on a million rows: ``--against glmm`` leaves it out.
"""

from __future__ import annotations

import argparse
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from . import (
    batch,
    bridge,
    crosscheck,
    fits,
    generalized,
    inference,
    lazy_data,
    profiles,
    quality,
    resident,
    small,
    studies,
)
from .benchmark import Options, Side
from .table import table

if TYPE_CHECKING:
    from .measure import Result

ROOMS = (
    bridge, small, fits, generalized, batch, resident, crosscheck, studies, inference, profiles,
    quality, lazy_data,
)  # fmt: skip


def main() -> None:
    """Print a line for each measurement, and how many fall short."""
    benchmarks = {name: run for room in ROOMS for name, run in room.benchmarks().items()}
    chosen, options, file = _arguments(list(benchmarks))
    measured: dict[str, list[Result]] = {}
    for name in chosen:
        print(f"--- {name}", flush=True)
        for result in benchmarks[name](options):
            print(result, flush=True)
            measured.setdefault(name, []).append(result)
    results = [result for room in measured.values() for result in room]
    print(f"{len(results)} measured, {sum(not result.kept for result in results)} fall short")
    if file is not None:
        file.write_text(table(measured), encoding="utf-8")


def _arguments(names: list[str]) -> tuple[list[str], Options, Path | None]:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.run")
    parser.add_argument("names", nargs="*", default=["*"], help=", ".join(names))
    parser.add_argument("--smoke", action="store_true", help="everything once, on small data")
    parser.add_argument("--engine", default="numpy", help="whose fits are ours")
    parser.add_argument(
        "--against",
        default=",".join(get_args(Side)),
        help="whom fits are compared with, parted by commas (default: %(default)s)",
    )
    parser.add_argument("--write", type=Path, help="a file for the table of the documentation")
    given = parser.parse_args()
    against = frozenset(given.against.split(",")) - {""}
    if unknown := sorted(against - set(get_args(Side))):
        parser.error(f"--against knows no {unknown[0]}, only {', '.join(get_args(Side))}")
    for pattern in given.names:
        if not any(fnmatchcase(name, pattern) for name in names):
            parser.error(f"no benchmark is named {pattern}; there are {', '.join(names)}")
    chosen = [name for name in names if any(fnmatchcase(name, p) for p in given.names)]
    options = Options(smoke=given.smoke, engine=given.engine, against=against)
    return chosen, options, given.write


if __name__ == "__main__":
    main()
