"""Run the benchmarks: ``python -m tests.benchmarks.run [--smoke]``."""

from __future__ import annotations

import sys

from . import bridge


def main() -> None:
    """Print a line for each measurement, and how many fall short."""
    measured = []
    for room in (bridge,):
        for result in room.results(smoke="--smoke" in sys.argv[1:]):
            print(result, flush=True)
            measured.append(result)
    short = sum(not result.kept for result in measured)
    print(f"{len(measured)} measured, {short} fall short")


if __name__ == "__main__":
    main()
