"""Unknown names: each name that the message proposes works in the place of the wrong one."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

import pylme
from tests.catalogue.case import DATA, Case

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CASES"]

MODEL = "y ~ x + (x | g)"
SECTORS = DATA.assign(sector=np.where(DATA["g"] < "g4", "A", "B"))


@cache
def _fit() -> pylme.Fit:
    return pylme.lmer(MODEL, DATA, engine="numpy")


def _all(call: Callable[[str], object], wrong: str, kind: str, before: str) -> Case:
    """The remedy takes all names in quotes that stand after a phrase of the message."""

    def remedy(names: str) -> None:
        proposed = names.split("'")[1::2]
        assert proposed, names
        for name in proposed:
            call(name)

    return Case(
        trigger=lambda: call(wrong), kind=kind, said=before, remedy=remedy, parsed=rf"{before} (.+)"
    )


_meant = partial(_all, before="Did you mean")
_allowed = partial(_all, before="Allowed:")

CASES = {
    "column": _meant(
        lambda x: pylme.explain(f"y ~ {x} + (1 | g)", DATA), "X", "UnknownColumnError"
    ),
    "weights": _meant(
        lambda name: pylme.design(MODEL, DATA, weights=name), "ww", "UnknownColumnError"
    ),
    "engine": _meant(
        lambda name: pylme.lmer(MODEL, DATA, engine=name), "nunpy", "OptionError"
    ),
    "contrasts": _allowed(
        lambda name: pylme.design("y ~ f + (1 | g)", DATA, contrasts={"f": name}),
        "summ", "OptionError",
    ),
    "optimizer": _allowed(
        lambda name: pylme.LmerControl(optimizer=name), "bobica", "OptionError"
    ),
    "option of an optimiser": _allowed(
        lambda name: pylme.LmerControl(optimizer="bobyqa", opt_ctrl={name: 7}),
        "maxfum", "OptionError",
    ),
    "group of a table": _meant(lambda name: _fit().varcorr[name], "gg", "UnknownNameError"),
    "group of effects": _meant(lambda name: _fit().ranef_var[name], "gg", "UnknownNameError"),
    "item": _meant(lambda name: _fit().getme(name), "thetta", "UnknownNameError"),
    "kind of residual": _allowed(
        lambda name: _fit().residuals_of(name), "persons", "OptionError"
    ),
    "effects of a table": _allowed(lambda name: _fit().tidy(name), "fix", "OptionError"),
    "dataset": _meant(pylme.datasets.load, "sleepstudi", "UnknownNameError"),
    "by": _meant(
        lambda name: pylme.group_specific("x", group="g", by=name, data=SECTORS),
        "sectors", "UnknownColumnError",
    ),
    "group of a picture": _meant(
        lambda name: pylme.plot.caterpillar_data(_fit(), name), "gg", "UnknownNameError"
    ),
    "kind of action": _allowed(
        lambda name: pylme.Check(action=name, tol=0.1), "shout", "OptionError"
    ),
}  # fmt: skip
