"""Resident memory of a fit, at its peak, in a process that does nothing else."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .measure import Result
from .models import MODELS
from .sides import fit_by_pylme

if TYPE_CHECKING:
    from .benchmark import Benchmark, Options
    from .models import Model

__all__ = ["benchmarks", "peak_megabytes"]


def benchmarks() -> dict[str, Benchmark]:
    """A measurement for each model of which memory was asked."""
    limited = [model for model in MODELS if model.megabytes is not None]
    return {f"resident.{model.name}": partial(_measured, model) for model in limited}


def _measured(model: Model, options: Options) -> list[Result]:
    arguments = [model.name, options.engine, "small" if options.smoke else "whole"]
    done = subprocess.run(
        [sys.executable, "-m", __name__, *arguments],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    before, peak = map(float, done.stdout.split())
    return [
        Result(
            what=f"resident memory of a fit of {model.name}",
            value=peak,
            unit="MB",
            limit=model.megabytes,
            detail=f"{before:.0f} MB before it, Python and the data",
        )
    ]


def peak_megabytes() -> float:
    """Most megabytes of this process so far.

    Linux's own record of the process: that of getrusage goes on from the process that started it.
    """
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(peak) * 1024 / 1e6


def _fit(name: str, engine: str, size: str) -> None:
    (model,) = (model for model in MODELS if model.name == name)
    data = model.data(size == "small")
    before = peak_megabytes()
    fit_by_pylme(model.formula, data, engine)
    print(before, peak_megabytes())


if __name__ == "__main__":
    _fit(*sys.argv[1:])
