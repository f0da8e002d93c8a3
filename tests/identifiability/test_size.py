"""Large data: neither memory nor time grows with rows times random effects."""

from __future__ import annotations

import time
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np

import pylme

if TYPE_CHECKING:
    from pylme import Design


def _crossed(n: int, groups: int) -> Design:
    rng = np.random.default_rng(6)
    data = {
        "y": rng.normal(size=n),
        "x": rng.normal(size=n),
        "g": rng.integers(groups, size=n),
        "h": rng.integers(50, size=n),
    }
    return pylme.design("y ~ x + (x | g) + (1 | h)", data)


def test_insteval() -> None:
    design = pylme.design(
        "y ~ service + (1 | s) + (1 | d) + (1 | dept)", pylme.datasets.load("insteval")
    )
    start = time.process_time()
    found = design.identifiability()
    assert (found.n_parameters, found.rank) == (3, 3)
    # Here it takes 0.01 s; 4,114 effects squared would take minutes.
    assert time.process_time() - start < 2


def test_memory_is_that_of_a_few_columns() -> None:
    n = 100_000
    design = _crossed(n, 20_000)
    tracemalloc.start()
    found = design.identifiability()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found.n_parameters, found.rank) == (4, 4)
    # 30 columns of doubles; n × q would be 32 GB, q × q 13 GB.
    assert peak < 60 * 8 * n
