"""Arguments of a wrong type or shape at every public entry point.

Each call ends in an error of pylme's that says what is wrong, or it works; a raw error of Python,
NumPy, pandas or R is a failure. All arguments of one function stand still but one.
"""

from __future__ import annotations

import inspect
import warnings
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import OptionError, PylmeError

if TYPE_CHECKING:
    from collections.abc import Callable

FORMULA: Final = "y ~ x + (x | g)"
WRONG: Final[dict[str, Any]] = {
    "None": None, "1": 1, "1.5": 1.5, "-1": -1, "empty text": "", "text": "x", "list": [],
    "dict": {}, "object": object(), "nan": float("nan"), "inf": float("inf"), "bool": True,
    "bytes": b"x", "array": np.zeros(3), "matrix": np.zeros((2, 2)), "list of None": [None],
    "dict of None": {"a": None}, "set": {1}, "class": int, "lambda": len, "complex": 1j,
    "surrogate": "\ud800", "big": 10**400, "array of texts": np.array(["a", "b"]),
    "ragged list": [[1], [1, 2]], "pair of texts": ("x", "g"), "number of NumPy": np.float64(0.5),
    "NA of pandas": pd.NA, "frame": pd.DataFrame({"x": [1.0]}), "dict of numbers": {1: 2},
}  # fmt: skip


def _data() -> pd.DataFrame:
    """Six groups of four rows, with a response of each kind."""
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(6), 4)
    x = np.tile([0.0, 1.0, 2.0, 3.0], 6)
    return pd.DataFrame(
        {
            "y": rng.normal(size=6)[g] + rng.normal(size=6)[g] * x + rng.normal(size=24) / 2,
            "z": np.arange(24) % 2,
            "n": rng.poisson(3, 24),
            "x": x,
            "f": np.where(g % 2, "a", "b"),
            "g": g.astype(str),
        }
    )


DATA: Final = _data()


@cache
def _many() -> pylme.ManyModels:
    return pylme.lmer_many("~ x + (x | g)", DATA, DATA[["y", "n"]])


@cache
def _fit(engine: str) -> pylme.Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pylme.lmer(FORMULA, DATA, engine=engine)


@cache
def _by_level() -> pylme.Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        part = pylme.group_specific("x", group="g", by="f", data=DATA)
        return pylme.lmer(f"y ~ x + {part}", DATA, engine="numpy")


@cache
def _simulator() -> pylme.Simulator:
    return pylme.simulator(FORMULA, DATA, **PARAMETERS)


@cache
def _drawn() -> pylme.Simulation:
    return _simulator().draw(2, seed=1)


@cache
def _study() -> pylme.StudyResult:
    return pylme.study(_simulator(), {"m": FORMULA}, n=2, seed=1)


@cache
def _bootstrap() -> pylme.Bootstrap:
    return _fit("numpy").bootstrap(2, seed=1)


def _compare(formula: Any, **options: Any) -> Any:
    """`compare_formulas` with a formula of a wrong type."""
    return pylme.compare_formulas(FORMULA, formula, **options)


def _grid(columns: Any, more: Any) -> Any:
    """`expand_grid`, whose keywords are columns."""
    return pylme.expand_grid(columns, more=more)


PARAMETERS: Final[dict[str, Any]] = {
    "beta": [1.0, 2.0], "sigma": 1.0, "covariances": {"sd": [2.0, 1.0], "corr": 0.4},
}  # fmt: skip
PLAIN: Final[dict[str, Any]] = {"formula": FORMULA, "data": DATA}
BY_R: Final[dict[str, Any]] = {"formula": "z ~ x + (1 | g)", "data": DATA}
SMALL: Final[dict[str, Any]] = {"n": 2, "seed": 1}

#: By name what makes a function, and arguments with which it works.
ENTRIES: Final[dict[str, Callable[[], tuple[Callable[..., Any], dict[str, Any]]]]] = {
    "lmer": lambda: (pylme.lmer, {**PLAIN, "engine": "numpy"}),
    "design": lambda: (pylme.design, PLAIN),
    "Design.on": lambda: (pylme.design(FORMULA, DATA).on, {"data": DATA}),
    "explain": lambda: (pylme.explain, PLAIN),
    "Explanation.to_frame": lambda: (pylme.explain(FORMULA).to_frame, {}),
    "compare_formulas": lambda: (_compare, {"formula": FORMULA}),
    "compare_formulas, options": lambda: (pylme.compare_formulas, {"data": DATA}),
    "FormulaComparison.relation": lambda: (
        pylme.compare_formulas(FORMULA, "y ~ x + (1 | g)").relation,
        {"first": FORMULA, "second": "y ~ x + (1 | g)"},
    ),
    "allow_function": lambda: (pylme.allow_function, {"name": "lgamma"}),
    "group_specific": lambda: (
        pylme.group_specific,
        {"slope": "x", "group": "g", "by": "f", "data": DATA},
    ),
    "expand_grid": lambda: (_grid, {"columns": {"a": [1]}, "more": [1, 2]}),
    "simulate": lambda: (pylme.simulate, {**PLAIN, **PARAMETERS, "n": 1}),
    "simulate from a fit": lambda: (pylme.simulate, {"formula": _fit("numpy"), "n": 1}),
    "simulator": lambda: (pylme.simulator, {**PLAIN, **PARAMETERS}),
    "Simulator.draw": lambda: (_simulator().draw, {}),
    "Simulation.to_frame": lambda: (_drawn().to_frame, {}),
    "Simulation.ranef": lambda: (_drawn().ranef, {}),
    "study": lambda: (pylme.study, {"simulate": _simulator(), "models": {"m": FORMULA}, **SMALL}),
    "StudyModel": lambda: (pylme.StudyModel, {"formula": FORMULA}),
    "StudyResult.converged": lambda: (_study().converged, {}),
    "StudyResult.estimates": lambda: (_study().estimates, {"parameter": "x"}),
    "StudyResult.summary": lambda: (_study().summary, {}),
    "power": lambda: (
        pylme.power,
        {"simulate": _simulator(), "model": FORMULA, "test": "x", **SMALL},
    ),
    "sector_correlation": lambda: (
        pylme.studies.sector_correlation,
        {"n": 1, "candidates": ("two dummies",)},
    ),
    "datasets.load": lambda: (pylme.datasets.load, {"name": "dyestuff"}),
    "datasets.describe": lambda: (pylme.datasets.describe, {"name": "dyestuff"}),
    "from_json": lambda: (pylme.from_json, {"text": "{}"}),
    "Check": lambda: (pylme.Check, {"action": "stop", "tol": 0.1}),
    "LmerControl": lambda: (pylme.LmerControl, {}),
    "GlmerControl": lambda: (pylme.GlmerControl, {}),
    "sdcor2cov": lambda: (pylme.sdcor2cov, {"m": [[1.0]]}),
    "cov2sdcor": lambda: (pylme.cov2sdcor, {"v": [[1.0]]}),
    "fit_many": lambda: (
        pylme.reference.fit_many,
        {"design": pylme.design(FORMULA, DATA), "Y": DATA[["y"]].to_numpy()},
    ),
    "doctor": lambda: (pylme.doctor, {}),
    "show_versions": lambda: (pylme.show_versions, {}),
    "Fit.cross_check": lambda: (_fit("numpy").cross_check, {}),
    "Fit.refit_from": lambda: (_fit("numpy").refit_from, {"theta": _fit("numpy").theta}),
    "Fit.is_singular": lambda: (_fit("numpy").is_singular, {}),
    "Fit.residuals_of": lambda: (_fit("numpy").residuals_of, {}),
    "Fit.getme": lambda: (_fit("numpy").getme, {}),
    "Fit.tidy": lambda: (_fit("numpy").tidy, {}),
    "Fit.tidy with intervals": lambda: (_fit("numpy").tidy, {"conf_int": True}),
    "Fit.group_correlations": lambda: (_by_level().group_correlations, {"by": "f"}),
    "Fit.bootstrap": lambda: (_fit("numpy").bootstrap, SMALL),
    "Fit.simulator": lambda: (_fit("numpy").simulator, {}),
    "VarCorr.to_frame": lambda: (_fit("numpy").varcorr.to_frame, {}),
    "Bootstrap.intervals": lambda: (_bootstrap().intervals, {}),
    "plot.study": lambda: (pylme.plot.study, {"results": _study()}),
    "plot.study_data": lambda: (pylme.plot.study_data, {"results": _study()}),
    **{
        f"plot.{name}": lambda name=name: (
            getattr(pylme.plot, name),
            {"fit": _fit("numpy")} | ({"along": "theta"} if "criterion" in name else {}),
        )
        for name in pylme.plot.__all__
        if not name.startswith(("study", "coefficients", "emmeans", "volcano", "p_values"))
    },
    **{
        f"plot.{name}": lambda name=name: (
            getattr(pylme.plot, name),
            {"models": _many(), "term": "x"},
        )
        for name in ("volcano", "volcano_data", "p_values", "p_values_data")
    },
    "lmer_many": lambda: (
        pylme.lmer_many,
        {"formula": "~ x + (x | g)", "data": DATA, "responses": DATA[["y"]]},
    ),
    "ManyModels.to_frame": lambda: (_many().to_frame, {}),
    "ManyModels.test": lambda: (_many().test, {"hypothesis": "x"}),
    "ManyModels.to_parquet": lambda: (_many().to_parquet, {"path": "/dev/null"}),
    "plot.emmeans": lambda: (pylme.plot.emmeans, {"means": _fit("numpy").emmeans("x")}),
    "plot.emmeans_data": lambda: (pylme.plot.emmeans_data, {"means": _fit("numpy").emmeans("x")}),
    "Fit.refit": lambda: (_fit("numpy").refit, {}),
    "Fit.update": lambda: (_fit("numpy").update, {}),
    "Fit.simulate": lambda: (_fit("numpy").simulate, {"seed": 1}),
    "Fit.influence": lambda: (_fit("numpy").influence, {}),
    "Influence.to_frame": lambda: (_fit("numpy").influence("g").to_frame, {}),
    "Fit.simulated_residuals": lambda: (_fit("numpy").simulated_residuals, {}),
    "Fit.shrinkage": lambda: (_fit("numpy").shrinkage, {}),
    "Fit.robust_test": lambda: (_fit("numpy").robust_test, {}),
    "Fit.vcov_of, robust": lambda: (_fit("numpy").vcov_of, {"kind": "CR2"}),
    "pool": lambda: (pylme.pool, {"fits": [_fit("numpy"), _fit("numpy")]}),
    "table": lambda: (partial(pylme.table, _fit("numpy")), {}),
    "plot.coefficients": lambda: (partial(pylme.plot.coefficients, _fit("numpy")), {}),
    "plot.coefficients_data": lambda: (partial(pylme.plot.coefficients_data, _fit("numpy")), {}),
}

#: The same for what needs R.
ENTRIES_OF_R: Final[dict[str, Callable[[], tuple[Callable[..., Any], dict[str, Any]]]]] = {
    "lmer by lme4": lambda: (pylme.lmer, PLAIN),
    "glmer": lambda: (pylme.glmer, BY_R),
    "glmer_nb": lambda: (pylme.glmer_nb, {"formula": "n ~ x + (1 | g)", "data": DATA}),
    "getme of lme4": lambda: (_fit("lme4").getme, {}),
    "refit_from of lme4": lambda: (_fit("lme4").refit_from, {"theta": _fit("lme4").theta}),
    "all_fit": lambda: (pylme.all_fit, {"fit": _fit("numpy")}),
    "simulate by R": lambda: (pylme.simulate, {**PLAIN, **PARAMETERS, "n": 1, "rng": "R"}),
}

#: Values with a meaning: they take seconds, or they are functions whose errors are the user's own.
MEANT: Final[dict[str, frozenset[str]]] = {
    "of sector_correlation": frozenset({"None", "1", "big", "bool", "text"}),
    "n_jobs": frozenset({"-1"}),
    "jobs": frozenset({"-1"}),
    "reference_blas": frozenset({"bool"}),
    "statistic": frozenset({"class", "lambda"}),
    "timeout": frozenset({"1", "1.5", "number of NumPy"}),
    "of glmer_nb": frozenset({"None", "text", "dict"}),
}


def raw_errors(function: Callable[..., Any], given: dict[str, Any], name: str) -> list[str]:
    """What calls raised that is not an error of pylme's, by argument and wrong value."""
    raw = []
    for argument in _arguments(function):
        meant = MEANT.get(argument, frozenset()) | MEANT.get(f"of {name}", frozenset())
        for label in WRONG.keys() - meant:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    function(**{**given, argument: WRONG[label]})
                except PylmeError as error:
                    if not (error.found and error.remedy):
                        raw.append(f"{argument}, {label}: an empty message")
                except Exception as error:  # noqa: BLE001  (any other is the failure sought)
                    raw.append(f"{argument}, {label}: {type(error).__name__}: {error}")
    return raw


def _arguments(function: Callable[..., Any]) -> list[str]:
    several = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    parameters = inspect.signature(function).parameters.values()
    return [each.name for each in parameters if each.kind not in several]


@pytest.fixture(autouse=True)
def _leave_no_traces(tmp_path, monkeypatch):
    """Functions that are allowed, and folders of stores."""
    from pylme.formula import allow

    monkeypatch.setattr(allow, "_allowed", set(allow._allowed))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", ENTRIES)
def test_no_raw_error(name):
    assert not raw_errors(*ENTRIES[name](), name)


@pytest.mark.needs_r
@pytest.mark.parametrize("name", ENTRIES_OF_R)
def test_no_raw_error_where_r_is_needed(name):
    assert not raw_errors(*ENTRIES_OF_R[name](), name)


@pytest.mark.parametrize(
    "returned",
    [3, None, "text", {"a": "x"}, {"a": [1, 2]}, {"a": None}, {"a": 1j}],
    ids=str,
)
def test_what_a_function_of_the_users_returns(returned):
    with pytest.raises(OptionError, match="he function of each fit returns"):
        _fit("numpy").bootstrap(2, seed=1, statistic=lambda _: returned)


def test_numbers_of_other_types_may_be_returned():
    numbers = {"a": np.float32(1.5), "b": True, "c": np.array(2), "d": float("nan")}
    boot = _fit("numpy").bootstrap(2, seed=1, statistic=lambda _: numbers)
    assert boot.estimates[["a", "b", "c"]].tolist() == [1.5, 1.0, 2.0]


def test_a_long_value_does_not_hide_the_remedy():
    with pytest.raises(OptionError) as caught:
        pylme.lmer(FORMULA, DATA, engine=list(range(10_000)))
    assert len(str(caught.value)) < 1000
    assert "of type list" in str(caught.value)


#: Wrong alike for both engines: what is asked for, and what the one message says.
ALIKE: Final[dict[str, tuple[str, dict[str, Any], str]]] = {
    "its own predictor": ("x ~ x + (1 | g)", {}, "cannot be its own predictor"),
    "too many values": (FORMULA, {"start": [1.0, 2.0]}, "3 numbers, one for each element of theta"),
    "below the bound": ("y ~ x + (1 | g)", {"start": -3}, "0 or more"),
    "fixed effects": (FORMULA, {"start": {"fixef": [1.0, 2.0]}}, "theta alone"),
    "a number": (FORMULA, {"contrasts": {"x": "sum"}}, "x is numeric in the formula"),
    "a group": (FORMULA, {"contrasts": {"g": "sum"}}, "only groups"),
    "left of a bar": ("y ~ x + (f | g)", {"contrasts": {"f": "sum"}}, 'contrasts_for="both"'),
}


@pytest.mark.needs_r
@pytest.mark.parametrize("name", ALIKE)
def test_both_engines_refuse_alike(name: str) -> None:
    formula, arguments, said = ALIKE[name]
    messages = set()
    for engine in ("lme4", "numpy"):
        with pytest.raises(PylmeError) as caught:
            pylme.lmer(formula, DATA, engine=engine, **arguments)
        messages.add((type(caught.value), str(caught.value)))
    ((_, message),) = messages
    assert said in message
