"""Messages about arguments of a wrong type, each with a value of the type that it asks for."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

import pylme
from pylme.reference import fit_many
from tests.catalogue.case import DATA, Case

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CASES"]

MODEL = "y ~ x + (1 | g)"
HALVES = DATA.assign(half=DATA["g"] < "g4")
Y = DATA[["y"]].to_numpy().T


@cache
def _fit(formula: str = MODEL) -> pylme.Fit:
    return pylme.lmer(formula, DATA, engine="numpy")


@cache
def _study() -> pylme.StudyResult:
    return pylme.study(_fit().simulator(), {"m": MODEL}, n=2, seed=1)


def _wrong(
    call: Callable[..., object],
    option: str,
    bad: object,
    good: Callable[[], object],
    said: str,
    *,
    kind: str = "OptionError",
) -> Case:
    """One argument of a wrong type; the remedy is the same call with what the message asks for.

    The good value is made when it is needed: some are fits.
    """
    return Case(
        trigger=lambda: call(**{option: bad}),
        kind=kind,
        said=said,
        remedy=lambda: call(**{option: good()}),
    )


def _power(simulate: object) -> object:
    return pylme.power(simulate, MODEL, test="x", n=2, seed=1, engine="numpy")


def _sectors(candidates: object) -> object:
    return pylme.studies.sector_correlation(1, seed=1, engine="numpy", candidates=candidates)


CASES = {
    "slope of a group": _wrong(
        partial(pylme.group_specific, group="g", by="half", data=HALVES),
        "slope", 3, lambda: "x", "a string, a sequence of strings, or None",
    ),
    "seconds of the doctor": _wrong(
        pylme.doctor, "timeout", -1, lambda: 60.0, "a positive number of seconds"
    ),
    "contrasts": _wrong(
        partial(pylme.StudyModel, formula=MODEL),
        "contrasts", 3, lambda: {"f": "sum"}, "a mapping from columns to codings",
    ),
    "a text": _wrong(pylme.StudyModel, "formula", 3, lambda: MODEL, "a string"),
    "workers": _wrong(
        lambda n_jobs: _fit().bootstrap(2, seed=1, n_jobs=n_jobs),
        "n_jobs", 0, lambda: 1, "a whole number of processes",
    ),
    "probabilities of ellipses": _wrong(
        lambda probabilities: pylme.plot.random_effects_data(
            _fit("y ~ x + (x | g)"), probabilities=probabilities
        ),
        "probabilities", 0.5, lambda: [0.5], "a sequence of numbers",
    ),
    "a picture of no fit": _wrong(
        pylme.plot.residuals_data, "fit", 3, _fit, "a fitted model"
    ),
    "a picture of no study": _wrong(
        partial(pylme.plot.study_data, parameter="x"),
        "results", 3, _study, "what pylme.study gives",
    ),
    "a parameter's name": _wrong(
        lambda parameter: pylme.plot.study_data(_study(), parameter),
        "parameter", 3, lambda: "x", "a sequence of strings",
    ),
    "responses of many fits": _wrong(
        lambda Y: fit_many(pylme.design(MODEL, DATA), Y),
        "Y", "text", lambda: Y, "an array of numbers",
    ),
    "no design of many fits": _wrong(
        partial(fit_many, Y=Y),
        "design", MODEL, lambda: pylme.design(MODEL, DATA), "a pylme.design(...)",
    ),
    "effects of a table": _wrong(
        lambda effects: _fit().tidy(effects), "effects", 3, lambda: "fixed", "'fixed'"
    ),
    "no designs for power": _wrong(
        _power, "simulate", {}, lambda: {"one": _fit().simulator()}, "at least one design"
    ),
    "candidates of the sectors": _wrong(
        _sectors, "candidates", 3, lambda: ["two blocks"], "a sequence of some of"
    ),
    "no number of a fit": _wrong(
        lambda statistic: _fit().bootstrap(2, seed=1, statistic=statistic),
        "statistic", lambda _: {"a": "x"}, lambda: lambda _: {"a": 1.0}, "a number",
    ),
    "a column of a grid": _wrong(
        pylme.expand_grid, "x", np.zeros((2, 2)), lambda: [0, 1], "one dimension",
        kind="DataTypeError",
    ),
    "control of a study": _wrong(
        partial(pylme.StudyModel, formula=MODEL),
        "control", 3, pylme.LmerControl, "a pylme.LmerControl",
    ),
    "what draws": _wrong(
        partial(pylme.simulate, n=1, seed=1), "formula", 3, _fit, "a formula as text, a fit"
    ),
}  # fmt: skip
