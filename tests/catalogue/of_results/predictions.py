"""Messages about predictions, marginal means and slopes."""

from __future__ import annotations

import sys
from functools import cache

import numpy as np
import pytest

import pylme
from pylme.warning_scopes import silenced
from tests.catalogue.case import DATA, Case

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


def _means(said: str, good: dict[str, object], of: str = "OptionError", **bad: object) -> Case:
    """A wrong question to `emmeans`, and a right one."""

    def ask(given: dict[str, object]) -> object:
        given = dict(given)
        return _fit().emmeans(given.pop("specs", "f"), **given).to_frame()

    return Case(trigger=lambda: ask(bad), kind=of, said=said, remedy=lambda: ask(good))


def _contrast(said: str, good: dict[str, object], kind: str = "OptionError", **bad: object) -> Case:
    """A wrong question to `contrast`, and a right one."""

    def ask(given: dict[str, object]) -> object:
        given = dict(given)
        means = _fit().emmeans(given.pop("specs", "f"))
        return means.contrast(given.pop("method", "pairwise"), **given).to_frame()

    return Case(trigger=lambda: ask(bad), kind=kind, said=said, remedy=lambda: ask(good))


def _drawn(said: str, good: dict[str, object], of: str = "OptionError", **bad: object) -> Case:
    """A wrong question to `plot.predictions`, and a right one."""

    def ask(given: dict[str, object]) -> object:
        given = dict(given)
        return pylme.plot.predictions(given.pop("fit", _fit)(), **given)

    return Case(trigger=lambda: ask(bad), kind=of, said=said, remedy=lambda: ask(good))


@cache
def _factors() -> pylme.Fit:
    return pylme.lmer("y ~ f + (1 | g)", DATA, engine="numpy")


def _without_marginaleffects() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "marginaleffects", None)
        _fit().marginaleffects()


CASES = {
    "no marginaleffects": Case(
        trigger=_without_marginaleffects,
        kind="MissingPackageError",
        said="pip install marginaleffects",
        remedy=lambda: _fit().emmeans("f"),
    ),
    "no predictor to draw over": _drawn("draw marginal means", {"x": "x"}, fit=_factors),
    "a factor to draw over": _drawn("a numeric predictor", {"x": "x"}, x="f"),
    "a predictor that is not there to draw": _drawn(
        "Did you mean 'x'?", {"x": "x"}, of="UnknownNameError", x="X"
    ),
    "a grouping column that is not there to draw": _drawn(
        "grouping column", {"group": "g"}, of="UnknownNameError", group="G"
    ),
    "a level that is not there to draw": _drawn(
        "level of g",
        {"group": "g", "levels": ["g1"]},
        of="UnknownNameError",
        group="g",
        levels=["1"],
    ),
    "too few axes": _drawn("8 matplotlib Axes", {"group": "g"}, group="g", ax=[]),
    "a plot of no marginal means": Case(
        trigger=lambda: pylme.plot.emmeans(3),
        kind="OptionError",
        said="fit.emmeans()",
        remedy=lambda: pylme.plot.emmeans(_fit().emmeans("f")),
    ),
    "a predictor without means": _means("Did you mean 'f'?", {}, of="UnknownNameError", specs="F"),
    "means of something else": _means("the name of a predictor", {}, specs=3),
    "values of a predictor that is not there": _means(
        "There are: 'x', 'f'", {"at": {"x": 1}}, of="UnknownNameError", at={"age": 1}
    ),
    "a level that is not there": _means(
        "different levels of f: 'a', 'b'", {"at": {"f": ["b", "a"]}}, at={"f": ["a", "c"]}
    ),
    "no level": _means("one or more levels", {"at": {"f": ["a"]}}, at={"f": []}),
    "a covariate at a text": _means(
        "one or more numbers", {"at": {"x": [1, 2]}}, at={"x": ["low"]}
    ),
    "a grid that is too large": _means(
        "combinations, more than 1,000,000",
        {"at": {"x": [1, 2]}},
        at={"x": np.linspace(0.0, 1.0, 600_000)},
    ),
    "weights of the wrong number": _means("1 numbers", {"weights": [1.0]}, weights=[1.0, 2.0]),
    "means on the scale of a response that is not transformed": _means(
        '"link": the response', {"kind": "link"}, kind="response"
    ),
    "a bias that is no standard deviation": _means(
        "a standard deviation", {"bias_adjust": True, "kind": "link"}, bias_adjust=-1.0
    ),
    "a slope of a factor": Case(
        trigger=lambda: _fit().emtrends("f"),
        kind="OptionError",
        said="compare marginal means",
        remedy=lambda: _fit().emmeans("f").contrast(),
    ),
    "coefficients of the wrong number": _contrast(
        "a matrix with 2 columns", {"method": [[1, -1]]}, method=[[1, -1, 0]]
    ),
    "nothing to compare": _contrast("two or more means", {}, specs=[]),
    "contrasts by a predictor without means": _contrast(
        "predictor of the means", {"by": []}, kind="UnknownNameError", by="x"
    ),
    "a test of no number": Case(
        trigger=lambda: _fit().emmeans("f").test("zero"),
        kind="OptionError",
        said="a number",
        remedy=lambda: _fit().emmeans("f").test(0.0),
    ),
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
    "a prediction that the data do not determine": Case(
        trigger=lambda: _aliased().predict({"f": ["b"], "s": ["high"]}, random="none"),
        kind="RankDeficiencyWarning",
        said="do not determine 1 prediction",
    ),
}
