"""Every family with every link, and rows that it can have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.families import LINKS, family, negative_binomial

if TYPE_CHECKING:
    from pylme.families import Family

__all__ = ["FAMILIES", "rows"]

FAMILIES = [
    *(family(name, link) for name, links in LINKS.items() for link in links),
    *(negative_binomial(shape, link) for shape in (0.3, 4.0, 1e7) for link in ("log", "sqrt")),
    negative_binomial(2.5, "identity"),
]

POSITIVE = ("identity", "inverse", "sqrt", "1/mu^2")


def rows(of: Family, n: int = 12, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Responses, linear predictors and weights."""
    random = np.random.default_rng(seed)
    eta = random.normal(0.0, 1.5, n)
    if of.link in POSITIVE:
        eta = np.exp(0.5 * eta)
    if of.name == "binomial":
        if of.link == "log":
            eta = -np.exp(eta)
        a = random.integers(1, 9, n).astype(float)
        return random.integers(0, a + 1) / a, eta, a
    a = np.exp(random.normal(size=n))
    if of.name in {"poisson", "negative binomial"}:
        return random.poisson(3.0, n).astype(float), eta, a
    if of.name == "gaussian":
        return random.normal(size=n), np.exp(0.3 * eta) if of.link == "inverse" else eta, a
    return random.gamma(2.0, 1.0, n) + 0.05, eta, a
