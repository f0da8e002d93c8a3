"""Run the benchmarks: ``python -m tests.benchmarks.run [--smoke] [name ...]``.

Without names all are run, which takes a quarter of an hour; a name may be a pattern, as "fits.*".
What takes minutes is lme4 on a million rows: ``--against glmm`` leaves it out.
"""

from __future__ import annotations

import argparse
from fnmatch import fnmatchcase
from typing import get_args

from . import (
    batch,
    bridge,
    crosscheck,
    fits,
    generalized,
    inference,
    profiles,
    quality,
    resident,
    small,
    studies,
)
from .benchmark import Options, Side

ROOMS = (
    bridge, small, fits, generalized, batch, resident, crosscheck, studies, inference, profiles,
    quality,
)  # fmt: skip


def main() -> None:
    """Print a line for each measurement, and how many fall short."""
    benchmarks = {name: run for room in ROOMS for name, run in room.benchmarks().items()}
    chosen, options = _arguments(list(benchmarks))
    measured = short = 0
    for name in chosen:
        print(f"--- {name}", flush=True)
        for result in benchmarks[name](options):
            print(result, flush=True)
            measured += 1
            short += not result.kept
    print(f"{measured} measured, {short} fall short")


def _arguments(names: list[str]) -> tuple[list[str], Options]:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.run")
    parser.add_argument("names", nargs="*", default=["*"], help=", ".join(names))
    parser.add_argument("--smoke", action="store_true", help="everything once, on small data")
    parser.add_argument("--engine", default="numpy", help="whose fits are ours")
    parser.add_argument(
        "--against",
        default=",".join(get_args(Side)),
        help="whom fits are compared with, parted by commas (default: %(default)s)",
    )
    given = parser.parse_args()
    against = frozenset(given.against.split(",")) - {""}
    if unknown := sorted(against - set(get_args(Side))):
        parser.error(f"--against knows no {unknown[0]}, only {', '.join(get_args(Side))}")
    for pattern in given.names:
        if not any(fnmatchcase(name, pattern) for name in names):
            parser.error(f"no benchmark is named {pattern}; there are {', '.join(names)}")
    chosen = [name for name in names if any(fnmatchcase(name, p) for p in given.names)]
    return chosen, Options(smoke=given.smoke, engine=given.engine, against=against)


if __name__ == "__main__":
    main()
