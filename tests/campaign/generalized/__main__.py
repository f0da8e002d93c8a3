"""A campaign of generalized models: ``python -m tests.campaign.generalized --models 500``.

The verdict on lme4's fit, and the fit by the NumPy engine, against a truth that is found by dense
algebra and SciPy's densities from several points, lme4's tightest fit among them.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from .generator import KINDS
from .trial import try_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .trial import Trial


def main() -> None:
    """Run the campaign; the exit status is 1 where anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign.generalized")
    parser.add_argument("--models", type=int, default=500)
    parser.add_argument("--first", type=int, default=0, help="the seed of the first model")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=float, help="stop after so many seconds")
    parser.add_argument("--report", type=Path, help="a Markdown file; rows go to .jsonl beside it")
    given = parser.parse_args()
    # A process for each core: more threads would only wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    started = time.perf_counter()
    trials: list[Trial] = []
    rows = None if given.report is None else given.report.with_suffix(".jsonl").open("w")
    with ProcessPoolExecutor(given.jobs, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(try_model, given.first + k) for k in range(given.models)]
        for done in as_completed(waiting):
            if done.cancelled():
                continue
            trial = done.result()
            trials.append(trial)
            if rows is not None:
                print(json.dumps(trial.plain(), default=float), file=rows, flush=True)
            for failure in trial.failures:
                print(f"{trial.seed} {trial.kind}: {failure}", flush=True)
            if given.seconds and time.perf_counter() - started > given.seconds:
                for each in waiting:
                    each.cancel()
                break
    report = markdown(trials, seconds=time.perf_counter() - started, first=given.first)
    if given.report is None:
        print(report)
    else:
        given.report.write_text(report, encoding="utf-8")
    raise SystemExit(any(trial.failures for trial in trials))


def markdown(trials: Sequence[Trial], *, seconds: float, first: int) -> str:
    """The report."""
    failed = [trial for trial in trials if trial.failures]
    lines = [
        "# Campaign of generalized models", "",
        f"{len(trials)} models from seed {first} on, {len(failed)} with a failure; "
        f"{seconds:.0f} s.", "",
        "| kind | models | verdicts on lme4's fit | lme4 above the optimum, median and most "
        "| tight | NumPy, most | check, most | value, most |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for kind, _, _ in KINDS:
        own = [trial for trial in trials if trial.kind == kind]
        if own:
            lines.append(_row(kind, own))
    lines += [_row("all", trials), ""]
    fit = median(t.seconds["lme4"] for t in trials if "check" in t.seconds)
    check = median(t.seconds["check"] for t in trials if "check" in t.seconds)
    lines += [
        f"Processor time, medians: the fit by lme4 {fit:.2f} s, its check {check:.2f} s, "
        f"the fit by the NumPy engine {median(t.seconds['numpy'] for t in trials):.3f} s.", "",
        "Excess is of the exact criterion above the best value that anything found: by lme4's "
        "default fit, its tightest (bobyqa, rhoend 1e-9, tolPwrss 1e-11), the NumPy engine's fit, "
        "and the best point of the check. Value: the check's criterion at lme4's parameters less "
        "that of the dense algebra.", "",
    ]  # fmt: skip
    if failed:
        lines += ["## Failures", ""]
        lines += [f"- {t.seed}, {t.kind}, `{t.formula}`: {'; '.join(t.failures)}" for t in failed]
    return "\n".join(lines) + "\n"


def _row(kind: str, own: Sequence[Trial]) -> str:
    verdicts = Counter(trial.verdict or "no fit" for trial in own)
    shown = ", ".join(f"{count} {name}" for name, count in verdicts.most_common())

    def most(values: list[float]) -> str:
        return f"{max(values):.1e}" if values else ""

    lme4 = [t.excess["lme4"] for t in own if "lme4" in t.excess]
    middle = f"{median(lme4):.1e}, {max(lme4):.1e}" if lme4 else ""
    tight = [t.tight for t in own if t.tight == t.tight]
    return (
        f"| {kind} | {len(own)} | {shown} | {middle} | {most(tight)} "
        f"| {most([t.excess['numpy'] for t in own if 'numpy' in t.excess])} "
        f"| {most([t.excess['check'] for t in own if 'check' in t.excess])} "
        f"| {most([t.error for t in own if t.error == t.error])} |"
    )


if __name__ == "__main__":
    main()
