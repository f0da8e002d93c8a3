"""Small random generalized models, each made from a seed of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

__all__ = ["KINDS", "GeneralizedModel", "generate"]

#: Family, link, and what else makes the kind.
KINDS: Final = (
    ("binary", "binomial", "logit"),
    ("trials", "binomial", "logit"),
    ("trials, probit", "binomial", "probit"),
    ("binary, cloglog", "binomial", "cloglog"),
    ("counts", "poisson", "log"),
    ("counts, offset and weights", "poisson", "log"),
    ("positive", "Gamma", "log"),
    ("overdispersed", "negative binomial", "log"),
    ("no variance", "binomial", "logit"),
    ("separated", "binomial", "logit"),
    ("shifted", "poisson", "log"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralizedModel:
    """A model and its data, with the matrices that its truth is computed from.

    Attributes
    ----------
    kind, formula, family, link : str
    data : DataFrame
    X : ndarray, shape (n, p)
    terms : tuple of (ndarray, ndarray)
        Codes of the levels and columns of each term, in lme4's order.
    y, trials, weights, offset : ndarray, shape (n,)
        Successes or values; trials are 1 but for binomial counts.
    options : dict
        Further arguments of `glmer`.
    """

    kind: str
    formula: str
    family: str
    link: str
    data: pd.DataFrame
    X: np.ndarray
    terms: tuple[tuple[np.ndarray, np.ndarray], ...]
    y: np.ndarray
    trials: np.ndarray
    weights: np.ndarray
    offset: np.ndarray
    options: dict[str, Any] = field(default_factory=dict)


def generate(seed: int) -> GeneralizedModel:
    """The model of a seed; the kinds come in turn."""
    kind, family, link = KINDS[seed % len(KINDS)]
    rng = np.random.default_rng(seed)
    levels = int(rng.integers(8, 21))
    rows = int(rng.integers(4, 11))
    n = levels * rows
    g = np.repeat(np.arange(levels), rows)
    h = rng.permutation(n) % int(rng.integers(4, 7))
    shift = float(rng.uniform(20, 2000)) if kind == "shifted" else 0.0
    x = rng.normal(size=n) + shift
    f = rng.integers(0, 2, n)
    slope, crossed = rng.random() < 0.4, rng.random() < 0.35
    sd = 0.0 if kind == "no variance" else float(rng.uniform(0.2, 1.5))
    eta = rng.normal(0, 0.5) + 0.4 * (x - shift) - 0.3 * f + sd * rng.normal(size=levels)[g]
    eta += (
        0.4 * slope * (x - shift) * rng.normal(size=levels)[g]
        + 0.3 * crossed * rng.normal(size=7)[h]
    )
    trials, weights, offset = np.ones(n), np.ones(n), np.zeros(n)
    options: dict[str, Any] = {}
    response = "y"
    if family == "binomial":
        p = 1 / (1 + np.exp(-eta))
        if kind.startswith("trials"):
            trials = rng.integers(2, 12, n).astype(float)
            response = "cbind(y, m - y)"
        y = rng.binomial(trials.astype(int), p).astype(float)
        if kind == "separated":
            y = np.where(f == 1, trials, y)
    elif family == "Gamma":
        y = rng.gamma(3.0, np.exp(0.5 * eta + 1.0) / 3.0)
    else:
        if kind == "counts, offset and weights":
            offset = rng.uniform(-0.5, 0.5, n)
            weights = rng.integers(1, 4, n).astype(float)
            options = {"offset": "o", "weights": "w"}
        mean = np.exp(np.clip(0.5 * eta + 0.8 + offset, -5, 5))
        over = family == "negative binomial"
        y = (rng.negative_binomial(1.5, 1.5 / (1.5 + mean)) if over else rng.poisson(mean)).astype(
            float
        )
    data = pd.DataFrame(
        {
            "y": y, "m": trials, "x": x, "f": f.astype(float), "o": offset, "w": weights,
            "g": [f"g{i:02}" for i in g], "h": [f"h{i}" for i in h],
        }
    )  # fmt: skip
    one = np.ones(n)
    terms = [(g, np.column_stack([one, x]) if slope else one[:, None])]
    formula = f"{response} ~ x + f + ({'x' if slope else '1'} | g)"
    if crossed:
        terms.append((h, one[:, None]))
        formula += " + (1 | h)"
    return GeneralizedModel(
        kind=kind, formula=formula, family=family, link=link, data=data,
        X=np.column_stack([one, x, f]), terms=tuple(terms), y=y, trials=trials, weights=weights,
        offset=offset, options=options,
    )  # fmt: skip
