"""The studies that the tests share, small ones."""

from __future__ import annotations

import pylme

GRID = pylme.expand_grid({"sch.id": range(10)}, ses=range(1, 6), sector=["0", "1"])
GRID["sch.id"] += 10 * (GRID["sector"] == "1")
FORMULA = "Y ~ ses + (ses | sch.id)"


def simulator(**changes):
    """The model of the question, small: one correlation for all."""
    given = {
        "beta": [1, 2], "sigma": 2, "covariances": {"sd": [2, 1], "corr": 0.4}, **changes,
    }  # fmt: skip
    return pylme.simulator(FORMULA, GRID, **given)


MODELS = {
    "slopes": FORMULA,
    "first": pylme.StudyModel(formula=FORMULA, subset=(GRID["sector"] == "0").to_numpy()),
    "logs": "log(Y + 100) ~ ses + (1 | sch.id)",
    "ml": pylme.StudyModel(formula="Y ~ ses * sector + (1 | sch.id)", reml=False),
}
