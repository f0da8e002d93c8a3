"""Memory that runs out while data are copied to R: an error, and R goes on living."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from tests.tolerances import HANGS

pytestmark = [
    pytest.mark.needs_r,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the limit is set as Linux has it"),
]

CODE = """
    import resource, warnings
    import numpy as np, pandas as pd, pylme
    warnings.simplefilter("ignore")
    rows = 2_000_000
    y = np.random.default_rng(1).normal(size=rows)
    data = pd.DataFrame({"y": y, "x": 2 * y + np.arange(rows) % 7, "g": np.arange(rows) % 50})
    small = pylme.datasets.load("dyestuff")
    def fit():
        return pylme.lmer("Yield ~ 1 + (1 | Batch)", small).criterion
    before = fit()
    size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    for megabytes in (40, 60, 80):
        resource.setrlimit(resource.RLIMIT_AS, (size + megabytes * 10**6, resource.RLIM_INFINITY))
        try:
            pylme.lmer("y ~ x + (1 | g)", data)
        except MemoryError as error:
            print(type(error).__name__)
        print(fit() == before)
"""


def test_the_process_lives():
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CODE)],
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["OutOfMemoryError", "True"] * 3
