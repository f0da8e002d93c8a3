"""Models on hard data, generated from seeds: what a verdict has to cope with."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["KINDS"]

ROWS = 120


def _base(seed):
    rng = np.random.default_rng(seed)
    g, h = rng.integers(0, 10, ROWS), rng.integers(0, 6, ROWS)
    x, f = rng.standard_normal(ROWS), rng.integers(0, 2, ROWS)
    frame = pd.DataFrame(
        {
            "x": x,
            "f": np.array(["u", "v"])[f],
            "g": [f"g{i}" for i in g],
            "h": [f"h{i}" for i in h],
            "k": np.array(["s", "t"])[g % 2],
        }
    )
    frame["b"] = rng.standard_normal(10)[g] + 0.4 * rng.standard_normal(10)[g] * x
    frame["c"] = 0.6 * rng.standard_normal(6)[h]
    frame["e"] = rng.standard_normal(ROWS)
    frame["y"] = x + frame["b"] + frame["c"] + frame["e"]
    return rng, frame


def years(seed):
    """A covariate far from zero, in one term or two."""
    _, data = _base(seed)
    data["x"] += (2000.0, 1e4)[seed % 2]
    return ("y ~ x + (x | g)", "y ~ x + (x | g) + (1 | h)")[seed // 2 % 2], data, None


def far_response(seed):
    """A response whose mean is large beside its standard deviation."""
    _, data = _base(seed)
    data["y"] += 10.0 ** (4 + seed % 5)
    return ("y ~ x + (1 | g)", "y ~ x + (x | g)")[seed % 2], data, None


def little_noise(seed):
    """Residuals of 1e-2 to 1e-5 of the random effects."""
    _, data = _base(seed)
    data["y"] = data["x"] + data["b"] + 10.0 ** -(2.0 + seed % 4) * data["e"]
    return "y ~ x + (x | g)", data, None


def weighted(seed):
    """Prior weights over up to twelve decades."""
    rng, data = _base(seed)
    data["w"] = 10.0 ** rng.uniform(-3 - seed % 4, 3 + seed % 4, ROWS)
    return ("y ~ x + (1 | g)", "y ~ x + (1 | g) + (1 | h)")[seed % 2], data, "w"


def rank_deficient(seed):
    """Columns of X that others make, nearly or exactly."""
    _, data = _base(seed)
    data["twice"] = 2.0 * data["x"] + seed % 3
    return ("y ~ x + twice + (1 | g)", "y ~ x * f + twice + (x | g)")[seed % 2], data, None


def unidentified(seed):
    """Fixed and random at once, no level with both slopes, a constant within the levels."""
    _, data = _base(seed)
    formulas = ("y ~ g + x + (1 | g)", "y ~ x + (0 + k:x | g)", "y ~ x + (k | g)")
    return formulas[seed % 3], data, None


def noiseless(seed):
    """Responses that the effects explain without any residual."""
    _, data = _base(seed)
    data["y"] = (data["b"] + data["x"], data["c"] - data["x"])[seed % 2]
    return ("y ~ x + (x | g)", "y ~ x + (1 | h)")[seed % 2], data, None


def singular(seed):
    """No variance between the groups."""
    _, data = _base(seed)
    data["y"] = data["x"] + data["e"]
    return ("y ~ x + (1 | g)", "y ~ x + (x | g)", "y ~ x + (1 | g) + (1 | h)")[seed % 3], data, None


KINDS = {
    kind.__name__: kind
    for kind in (
        years,
        far_response,
        little_noise,
        weighted,
        rank_deficient,
        unidentified,
        noiseless,
        singular,
    )
}
