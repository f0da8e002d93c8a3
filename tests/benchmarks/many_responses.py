"""Many responses on one design: pylme.lmer_many against a loop of lme4's refit, in CPU seconds.

    python -m tests.benchmarks.many_responses [RESPONSES] [REFITS]

The data are made here: the design of sleepstudy, and a crossed one. Both sides run one after the
other, twice, and the quicker of both runs counts. R only refits; pylme makes the table of p-values
by Satterthwaite's method too.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import pylme

LOOP = """
arguments <- commandArgs(trailingOnly = TRUE)
suppressPackageStartupMessages(library(lme4))
data <- read.csv(arguments[[1]], stringsAsFactors = TRUE)
Y <- as.matrix(read.csv(arguments[[2]]))
data$y <- Y[, 1]
quiet <- function(x) suppressMessages(suppressWarnings(x))
fit <- quiet(lmer(as.formula(paste("y", arguments[[3]])), data))
used <- system.time(for (i in seq_len(ncol(Y))) quiet(refit(fit, Y[, i])))
cat(sum(used[c("user.self", "sys.self")]) / ncol(Y))
"""


def _designs() -> dict[str, tuple[pd.DataFrame, str, list[str]]]:
    sleep = pylme.datasets.load("sleepstudy")
    crossed = pd.DataFrame(
        {"g": np.repeat(np.arange(30), 6), "h": np.tile(np.arange(6), 30), "x": np.arange(180) % 7}
    ).astype({"g": str, "h": str})
    return {
        "one factor": (sleep, "~ Days + (Days | Subject)", ["Subject"]),
        "crossed": (crossed, "~ x + (1 | g) + (1 | h)", ["g", "h"]),
    }


def _responses(data: pd.DataFrame, groups: list[str], count: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    Y = rng.standard_normal((len(data), count))
    for group in groups:
        codes = pd.Categorical(data[group]).codes
        Y += rng.standard_normal((codes.max() + 1, count))[codes]
    return Y


def _ours(formula: str, data: pd.DataFrame, Y: np.ndarray) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    pylme.lmer_many(formula, data, Y).to_frame()
    return time.process_time() - cpu, time.perf_counter() - wall


def _theirs(formula: str, data: pd.DataFrame, Y: np.ndarray) -> float:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data.to_csv(folder / "data.csv", index=False)
        pd.DataFrame(Y).to_csv(folder / "responses.csv", index=False)
        (folder / "loop.R").write_text(LOOP, encoding="utf-8")
        done = subprocess.run(
            ["Rscript", "--vanilla", folder / "loop.R", folder / "data.csv",
             folder / "responses.csv", formula],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    return float(done.stdout)


def main(count: int = 20_000, refits: int = 100) -> None:
    """Print a line for each design."""
    for name, (data, formula, groups) in _designs().items():
        own = count if name == "one factor" else max(count // 40, 20)
        Y = _responses(data, groups, own)
        _ours(formula, data, Y[:, :20])
        ours, theirs = [], []
        for _ in range(2):
            ours.append(_ours(formula, data, Y))
            theirs.append(_theirs(formula, data, Y[:, :refits]))
        cpu, wall = min(ours)
        print(
            f"{name}: {own:,} responses in {cpu:.2f} CPU-s ({wall:.2f} s), "
            f"{1e3 * cpu / own:.3f} ms each; refit {1e3 * min(theirs):.2f} ms each; "
            f"{min(theirs) / (cpu / own):.0f} times as fast"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
