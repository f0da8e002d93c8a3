"""Messages about predictions, marginal means and slopes."""

from __future__ import annotations

from functools import cache

import numpy as np

import pylme
from pylme.warning_scopes import silenced

from .case import DATA, Case

__all__ = ["CASES"]

MODEL = "y ~ x + f + (x | g)"
#: No row has both the second level of f and a positive x.
_APART = DATA[(DATA["f"] == "a") | (DATA["x"] < 0)].assign(
    s=lambda data: np.where(data["x"] < 0, "low", "high")
)
ROW = {"x": [1.0], "f": ["a"], "g": ["g1"]}


@cache
def _fit() -> pylme.Fit:
    return pylme.lmer(MODEL, DATA, engine="numpy")


@cache
def _binary() -> pylme.Fit:
    return pylme.glmer("two ~ x + (1 | g)", DATA, family="binomial")


@cache
def _aliased() -> pylme.Fit:
    with silenced():
        return pylme.lmer("y ~ f*s + (1 | g)", _APART, engine="numpy")


def _predict(said: str, good: dict[str, object], kind: str = "OptionError", **bad: object) -> Case:
    """A wrong question to `predict`, and a right one."""

    def ask(given: dict[str, object]) -> object:
        given = dict(given)
        return _fit().predict(given.pop("newdata", ROW), **given)

    return Case(trigger=lambda: ask(bad), kind=kind, said=said, remedy=lambda: ask(good))


CASES = {
    "random effects that are not there": _predict(
        "terms with effects that the model has", {"random": "(1 | g)"}, random="(f | g)"
    ),
    "random effects of another type": _predict("a list of grouping factors", {}, random=1.0),
    "a grouping factor that is not there": _predict(
        "Did you mean 'g'?", {"random": ["g"]}, kind="UnknownNameError", random=["G"]
    ),
    "a new level of a grouping factor": _predict(
        'new_levels="population"',
        {"newdata": {**ROW, "g": ["new"]}, "new_levels": "population"},
        kind="ColumnValueError",
        newdata={**ROW, "g": ["new"]},
    ),
    "an offset of the rows of the fit": _predict(
        "together with newdata", {}, newdata=None, offset=[1.0]
    ),
    "weights that are no column": _predict(
        "`weights`",
        {"weights": "x", "interval": "prediction"},
        kind="UnknownColumnError",
        weights="w2",
    ),
    "weights that are not positive": _predict(
        "a positive number", {"weights": [1.0]}, weights=[0.0]
    ),
    "too many weights": _predict("a positive number", {"weights": [1.0]}, weights=[1.0, 2.0]),
    "an interval for a new response of a generalized model": Case(
        trigger=lambda: _binary().predict(interval="prediction"),
        kind="OptionError",
        said="simulate it instead",
        remedy=lambda: _binary().predict(interval="confidence"),
        needs_r=True,
    ),
    "degrees of freedom of a generalized model": Case(
        trigger=lambda: _binary().predict(interval="confidence", ddf="kenward-roger"),
        kind="OptionError",
        said='"normal" for a generalized model',
        remedy=lambda: _binary().predict(interval="confidence", ddf="normal"),
        needs_r=True,
    ),
    "a prediction that the data do not determine": Case(
        trigger=lambda: _aliased().predict({"f": ["b"], "s": ["high"]}, random="none"),
        kind="RankDeficiencyWarning",
        said="do not determine 1 prediction",
    ),
}
