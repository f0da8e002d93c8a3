"""Wald intervals of a slope in generalized models of thirty groups."""

from __future__ import annotations

import numpy as np

import pylme

from .measured import Measured

__all__ = ["FAMILIES", "slopes"]

MODEL = "y ~ x + (1 | g)"
BETA, SD = (0.5, 0.3), 0.4
FAMILIES: dict[str, dict[str, object]] = {
    "poisson": {},
    "binomial": {},
    "negative binomial": {"shape": 2.0},
    "Gamma": {"link": "log", "sigma": 0.7},
}


def slopes(family: str, sets: int) -> list[Measured]:
    """Coverage of the slope's interval, and how often its estimate is above the truth."""
    grid = pylme.expand_grid(g=range(30), x=[-1.0, 0.0, 1.0], again=range(4))
    drawn = pylme.simulator(
        MODEL, grid, beta=list(BETA), covariances={"sd": SD}, family=family, **FAMILIES[family]
    )
    found = pylme.study(drawn, MODEL, n=sets, seed=1, truth={"x": BETA[1]}, engine="numpy")
    rows = found.rows[found.rows["parameter"] == "x"]
    z = ((rows["estimate"] - BETA[1]) / rows["std_error"]).to_numpy()
    design = f"{family}, 30 groups of 12 rows"
    return [
        Measured(
            design=design, what=what, share=float(np.mean(counted)), sets=len(z), low=share,
            high=share, expected="nominal",
        )
        for what, counted, share in (
            ("95 % interval of the slope", np.abs(z) < 1.959964, 0.95),
            ("estimates above the truth", z > 0.0, 0.5),
        )
    ]  # fmt: skip
