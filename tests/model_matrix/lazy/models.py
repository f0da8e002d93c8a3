"""Models whose sums are hard to make, and their data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

__all__ = ["DATA", "FEW", "MODELS"]


def _data(n: int = 600, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    J, K = 25, 12
    g, h = rng.integers(0, J, n), rng.integers(0, K, n)
    x = rng.normal(size=n)
    z = rng.normal(size=n) + 0.3 * x
    f = rng.choice(["a", "b", "c"], n, p=[0.2, 0.5, 0.3])
    root = np.array([[1, 0.4, 0.2], [0, 0.6, 0.1], [0, 0, 0.5]])
    b, c = rng.normal(size=(J, 3)) @ root, 0.7 * rng.normal(size=K)
    e = rng.normal(size=n)
    return pd.DataFrame(
        {
            "y": 1 + 0.5 * x + 0.2 * z + 0.4 * (f == "b") + b[g, 0] + b[g, 1] * x + c[h] + e,
            "x": x,
            "z": z,
            "t": rng.integers(0, 6, n),
            "f": f,
            "k": rng.choice(["u", "v"], n),
            "flag": x > 0.2,
            "g": [f"g{i:02d}" for i in g],
            "h": h,
            "s": h % 3,
            "w": rng.uniform(0.3, 4, n),
            "off": rng.normal(size=n),
            "of_group": np.linspace(-1, 1, J)[g],
            # Far from zero, in other units, a combination, and nearly one.
            "far": x + 1e6,
            "large": 1e6 * x + 3e8,
            "both": 2 * x - z,
            "near": x + 1e-4 * rng.normal(size=n),
            "positive": np.exp(x),
            # A signal of 1e5 times the noise: of x, of the groups, of both.
            "loud": 1e5 * (1 + x) + e + b[g, 0],
            "loud_groups": 1e5 * b[g, 0] + e,
            "loud_slopes": 1e5 * (1 + x + b[g, 0] + b[g, 1] * x) + e,
        }
    )


DATA = _data()

#: Formulas, with the arguments of the fit.
MODELS: list[tuple[str, dict[str, Any]]] = [
    ("y ~ x + (1 | g)", {}),
    ("y ~ x + (x | g)", {}),
    ("y ~ x + (x | g)", {"weights": "w"}),
    ("y ~ x + (x | g)", {"reml": False}),
    ("y ~ x + (x | g)", {"offset": "off", "weights": "w"}),
    ("y ~ x + (x | g)", {"subset": "flag"}),
    ("y ~ x + z + (x + z | g)", {}),
    ("y ~ x + (x || g)", {}),
    ("y ~ x + f + (1 | g) + (1 | h)", {}),
    ("y ~ x + f + (1 | g) + (1 | h)", {"weights": "w", "reml": False}),
    ("y ~ x + (x | g) + (1 | h)", {}),
    ("y ~ x + (1 | g/s)", {}),
    ("y ~ x + (x | g:s)", {}),
    ("y ~ x * f + (x | g)", {"weights": "w"}),
    ("y ~ x * f + (x | g)", {"contrasts": {"f": "sum"}}),
    ("y ~ f * k + (1 | h)", {}),
    ("y ~ f * x + (0 + f | g)", {}),
    ("y ~ f + (f | g)", {"contrasts": {"f": "helmert"}, "contrasts_for": "both"}),
    ("y ~ x + (0 + x | g)", {}),
    ("y ~ 0 + f + x + (1 | g)", {}),
    ("y ~ x - 1 + (1 | g)", {}),
    ("y ~ far + (1 | g)", {}),
    ("y ~ far + (far | g)", {}),
    ("y ~ far + (x | g)", {}),
    ("y ~ poly(x, 3) + f + (0 + x | g)", {}),
    ("y ~ large + (1 | g)", {}),
    ("y ~ x + z + both + (1 | g)", {}),
    ("y ~ x + near + (1 | g)", {}),
    ("y ~ x + I(x^2) + (1 | g)", {}),
    ("y ~ log(positive) + sqrt(positive) + (1 | g)", {}),
    ("y ~ exp(x/3) + abs(z) + log(positive, 2) + (1 | g)", {}),
    ("y ~ (x > 0) + (1 | g)", {}),
    ("y ~ flag * z + (1 | g)", {}),
    ("y ~ x + of_group + (1 | g)", {}),
    ("y ~ x + of_group + f + (x | g) + (1 | h)", {}),
    ("log(positive) ~ z + (1 | g)", {}),
    ("y ~ x + offset(off) + (1 | g)", {}),
    ("loud ~ x + (1 | g)", {}),
    ("loud_groups ~ x + (1 | g)", {"weights": "w"}),
    ("loud_slopes ~ x + (x | g)", {}),
    ("loud_slopes ~ x + z + f + (1 | g) + (1 | h)", {}),
    ("y ~ factor(t) + (1 | g)", {}),
    ("y ~ x + t + I(t^2) + (t | g)", {}),
    ("y ~ x:z + (1 | g)", {}),
    ("y ~ x * z * f + (1 | g)", {}),
    ("y ~ 1 + (1 | g) + (1 | h) + (1 | s)", {}),
    ("y ~ (f == 'b') + ifelse(x > z, x, z) + (1 | g)", {}),
    ("y ~ x + cs(1 + x | g)", {}),
    ("y ~ scale(far) + (scale(far) | g)", {}),
    ("y ~ poly(far, 3) * f + (1 | g)", {}),
    ("y ~ poly(x, 2, raw=TRUE) + scale(z, center=FALSE) + (1 | g)", {}),
    ("y ~ I((x - mean(x)) / sd(x)) + log(1 + exp(scale(z))) + (1 | g)", {"weights": "w"}),
    # Computed from batches of rows.
    ("y ~ ns(x, 3) * f + (1 | g)", {"weights": "w", "subset": "flag"}),
    ("y ~ bs(z, df=5) + (ns(x, 2) | g)", {}),
    ("y ~ ns(sin(x), 3) + bs(far, knots=c(1e6, 1000001)) + pmax(x, z) + (1 | g)", {}),
    ("atan2(y, positive) ~ t %% 2 + I(x > median(x)) + offset(tanh(off)) + (1 | g) + (1 | h)", {}),
]
#: Those for an engine that takes long to begin.
FEW = [MODELS[i] for i in (4, 9, 13, 24, 25, 37, 53)]
