"""A campaign of small random models: pylme's answers against a truth found by other means.

``python -m tests.campaign --models 3000 --report FILE`` makes models of many kinds from a seed,
which is the current commit's where none is given, finds the best optimum of each by code that
shares nothing with pylme, and lists every answer that is wrong. Each model has a seed of its own,
by which ``--only`` makes it again.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import time
from pathlib import Path
from typing import TextIO

import pylme

from .generator import generate
from .report import markdown, row
from .run import run, seeds_of


def main() -> None:
    """Run a campaign, or one model of it; the exit status is 1 where anything is wrong."""
    given = _arguments()
    started = time.perf_counter()
    if given.only is not None:
        trials = list(run(given.only, 1))
        for trial in trials:
            print(generate(trial.seed).reproducer())
            print(f"# {trial.truth}")
            for answer in trial.answers:
                excess = trial.excess.get(answer.engine, float("nan"))
                print(f"# {answer.engine}: excess {excess:.3e}, {answer}")
            for failure in trial.failures:
                print(f"# {failure.kind}, {failure.engine}: {failure.said}")
        raise SystemExit(any(trial.failures for trial in trials))
    seed = _commit_seed() if given.seed is None else given.seed
    trials = []
    with _rows(given.report) as rows:
        for trial in run(seeds_of(seed, given.models), given.jobs):
            trials.append(trial)
            # As they come: what is cut off keeps what it has.
            print(row(trial), file=rows, flush=True)
            for failure in trial.failures:
                print(f"{trial.seed} {failure.kind}, {failure.engine}: {failure.said}", flush=True)
    trials.sort(key=lambda trial: trial.seed)
    seconds = time.perf_counter() - started
    told = (
        f"pylme {pylme.__version__}, commit {_commit()[:12]}, seed {seed}; "
        f"{seconds:.0f} s in {given.jobs} processes."
    )
    report = markdown(trials, told=told)
    if given.report is not None:
        given.report.write_text(report, encoding="utf-8")
    else:
        print(report)
    raise SystemExit(any(trial.failures for trial in trials))


def _rows(report: Path | None) -> TextIO:
    """Where the trials go: beside the report, or nowhere."""
    if report is None:
        return Path(os.devnull).open("w", encoding="utf-8")
    report.parent.mkdir(parents=True, exist_ok=True)
    return report.with_suffix(".jsonl").open("w", encoding="utf-8")


def _commit() -> str:
    command = ["git", "rev-parse", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "0"


def _commit_seed() -> int:
    return int(_commit()[:12], 16)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--models", type=int, default=3000)
    parser.add_argument("--seed", type=int, help="of the campaign; by default the commit's hash")
    parser.add_argument("--jobs", type=int, default=2, help="worker processes")
    parser.add_argument("--report", type=Path, help="a Markdown file; rows go to .jsonl beside it")
    parser.add_argument("--only", type=int, nargs="+", metavar="SEED", help="models by their seeds")
    return parser.parse_args()


if __name__ == "__main__":
    main()
