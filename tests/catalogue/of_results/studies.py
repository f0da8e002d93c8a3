"""Messages about drawing data, studies, power, groups and plots."""

from __future__ import annotations

import numpy as np

import pylme
from pylme.reference import fit_many
from tests.catalogue.case import DATA, Case

__all__ = ["CASES"]

GRID = pylme.expand_grid(g=range(12), x=range(1, 6), f=["a", "b"])
MODEL = "y ~ x + (x | g)"
PARAMETERS = {"beta": [1.0, 2.0], "sigma": 1.0, "covariances": {"g": {"sd": [1, 1], "corr": 0.1}}}


def _draw(**changes: object) -> object:
    given = {"seed": 1, **PARAMETERS, **changes}
    return pylme.simulate(given.pop("formula", MODEL), GRID, **given)


def _drawn(said: str, kind: str = "OptionError", **bad: object) -> Case:
    return Case(trigger=lambda: _draw(**bad), kind=kind, said=said, remedy=_draw)


def _simulator() -> object:
    return pylme.simulator(MODEL, GRID, **PARAMETERS)


def _study(**changes: object) -> object:
    given = {"n": 2, "seed": 1, "models": {"m": "y ~ x + (1 | g)"}, **changes}
    return pylme.study(given.pop("simulate", None) or _simulator(), given.pop("models"), **given)


def _studied(said: str, kind: str = "OptionError", **bad: object) -> Case:
    return Case(trigger=lambda: _study(**bad), kind=kind, said=said, remedy=_study)


def _power(**changes: object) -> object:
    given = {"n": 2, "seed": 1, "test": "x", **changes}
    return pylme.power(_simulator(), "y ~ x + (1 | g)", **given)


def _powered(said: str, kind: str = "OptionError", **bad: object) -> Case:
    return Case(trigger=lambda: _power(**bad), kind=kind, said=said, remedy=_power)


def _fit(formula: str = MODEL) -> object:
    return pylme.lmer(formula, DATA, engine="numpy")


def _picture(
    name: str,
    said: str,
    good: tuple[object, ...],
    *bad: object,
    kind: str = "OptionError",
    formula: str = MODEL,
    **named: object,
) -> Case:
    def data(arguments: tuple[object, ...], given: dict[str, object]) -> object:
        return getattr(pylme.plot, f"{name}_data")(_fit(formula), *arguments, **given)

    return Case(
        trigger=lambda: data(bad, named),
        kind=kind,
        said=said,
        remedy=lambda: data(good, {}),
    )


def _grouped(said: str, kind: str, **bad: object) -> Case:
    good = {"group": "g", "by": "sector", "data": _SECTORS}
    return Case(
        trigger=lambda: pylme.group_specific(bad.pop("slope", "x"), **{**good, **bad}),
        kind=kind,
        said=said,
        remedy=lambda: pylme.group_specific("x", **good),
    )


_ALONG = ("g", "x")
_SECTORS = DATA.assign(sector=np.where(DATA["g"] < "g4", "A", "B"))

CASES = {
    "fixed effects too few": _drawn("beta", beta=[1.0]),
    "fixed effect of another name": _drawn(
        "X", "UnknownNameError", beta={"(Intercept)": 1, "X": 2}
    ),
    "fixed effect missing": _drawn("too", beta={"(Intercept)": 1}),
    "sigma": _drawn("0 or more", sigma=-1.0),
    "covariances no mapping": _drawn("here of shape (2, 2)", covariances=3),
    "covariances of another term": _drawn("h", "UnknownNameError", covariances={"h": 1.0}),
    "covariances missing": _drawn("too", formula="y ~ x + (x | g) + (1 | f)"),
    "sd below 0": _drawn("0 or more", covariances={"g": {"sd": [1, -1]}}),
    "sd too few": _drawn("g", covariances={"g": {"sd": [1]}}),
    "correlation": _drawn("-1 to 1", covariances={"g": {"sd": [1, 1], "corr": 2.0}}),
    "covariance": _drawn("negative eigenvalues", covariances={"g": [[1, 2], [2, 1]]}),
    "covariance of a shape": _drawn("2", covariances={"g": [[1.0]]}),
    "seed": _drawn("seed", seed=-1),
    "number of draws": _drawn("a whole number from 1", n=0),
    "no values": Case(
        trigger=lambda: pylme.simulate(MODEL, GRID, sigma=1.0, covariances={"g": [1, 1]}, seed=1),
        kind="OptionError",
        said="a value",
        remedy=_draw,
    ),
    "values beside a fit": Case(
        trigger=lambda: pylme.simulate(_fit(), sigma=1.0, seed=1),
        kind="OptionError",
        said="None with a fit",
        remedy=lambda: pylme.simulate(_fit(), seed=1),
    ),
    "a fit without data": Case(
        trigger=lambda: pylme.simulate(pylme.from_json(_fit().to_json()), seed=1),
        kind="NotAvailableError",
        said="JSON",
        remedy=lambda: pylme.simulate(_fit(), seed=1),
    ),
    "response of an expression": _drawn("logy", "ResponseError", formula="log(y) ~ x + (x | g)"),
    "replicate": Case(
        trigger=lambda: _draw(n=2).to_frame(5),
        kind="OptionError",
        said="from 0 to 1",
        remedy=lambda: _draw(n=2).to_frame(1),
    ),
    "what to study": _studied("simulator", simulate=5),
    "models": _studied("mapping", models=5),
    "a model": _studied("StudyModel", models={"m": 5}),
    "control of a study": _studied(
        "engine", models={"m": pylme.StudyModel(formula="y ~ (1 | g)", control=pylme.LmerControl())}
    ),
    "truth of no model": _studied("M", "UnknownNameError", truth={"M": {"x": 2.0}}),
    "truth of text": _studied("number", truth={"m": {"x": "two"}}),
    "stored without a seed": _studied("seed", seed=None, store="never-made"),
    "alpha": _powered("between 0 and 1", alpha=2.0),
    "no test": _powered("null", test=None),
    "test of no effect": _powered("x", "UnknownNameError", test="xx"),
    "df": _powered("positive", df=-1.0),
    "null as large": _powered("fewer parameters", test=None, null="y ~ x + (1 | g)"),
    "null without groups": _powered("a string", test=None, null=5),
    "by of numbers": _grouped("categories", "ColumnTypeError", by="w"),
    "by within groups": _grouped("varies within", "ColumnValueError", by="f"),
    "by unknown": _grouped("sectr", "UnknownColumnError", by="sectr"),
    "slope unknown": _grouped("xx", "UnknownColumnError", slope="xx"),
    "two groups": _grouped("one grouping factor", "OptionError", group="g/h"),
    "group of a picture": _picture("caterpillar", "'g'", ("g",), "gg", kind="UnknownNameError"),
    "effect of a picture": _picture(
        "caterpillar", "x", ("g", "x"), "g", "z", kind="UnknownNameError"
    ),
    "direction": _picture("profile_criterion", "along", (_ALONG,), object()),
    "direction of theta": _picture(
        "profile_criterion", "parameter", (_ALONG,), "thetta", kind="UnknownNameError"
    ),
    "direction of a term": _picture(
        "profile_criterion", "term", (("g", "x"),), ("gg", "x"), kind="UnknownNameError"
    ),
    "direction of an effect": _picture(
        "profile_criterion", "effect", (("g", "x"),), ("g", "z"), kind="UnknownNameError"
    ),
    "points of a line": _picture(
        "profile_criterion", "a whole number from 3", (_ALONG,), _ALONG, points=1
    ),
    "span of a line": _picture("profile_criterion", "span", (_ALONG,), _ALONG, span=(1.0, 0.0)),
    "correlations of intercepts": Case(
        trigger=lambda: pylme.plot.varcorr(_fit("y ~ x + (1 | g)"), "corr"),
        kind="NotAvailableError",
        said='component="sd"',
        remedy=lambda: pylme.plot.varcorr(_fit("y ~ x + (1 | g)"), "sd"),
    ),
    "axes": Case(
        trigger=lambda: pylme.plot.random_effects_qq(_fit(), ax=5),
        kind="OptionError",
        said="Axes",
        remedy=lambda: pylme.plot.random_effects_qq(_fit()),
    ),
    "probabilities": Case(
        trigger=lambda: pylme.plot.random_effects(_fit(), probabilities=[2.0]),
        kind="OptionError",
        said="between 0 and 1",
        remedy=lambda: pylme.plot.random_effects(_fit(), probabilities=[0.5]),
    ),
    "responses of a shape": Case(
        trigger=lambda: fit_many(pylme.design(MODEL, DATA), np.zeros((2, 3))),
        kind="OptionError",
        said="a response in each row",
        remedy=lambda: fit_many(pylme.design(MODEL, DATA), DATA[["y"]].to_numpy().T),
    ),
    "responses not finite": Case(
        trigger=lambda: fit_many(pylme.design(MODEL, DATA), np.full((1, 80), np.nan)),
        kind="OptionError",
        said="finite numbers",
        remedy=lambda: fit_many(pylme.design(MODEL, DATA), DATA[["y"]].to_numpy().T),
    ),
    "responses without residual": Case(
        trigger=lambda: fit_many(pylme.design(MODEL, DATA), 1 + 2 * DATA[["x"]].to_numpy().T),
        kind="ResponseError",
        said="the fixed effects alone explain it",
        remedy=lambda: fit_many(pylme.design(MODEL, DATA), DATA[["y"]].to_numpy().T),
    ),
}
