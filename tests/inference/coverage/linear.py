"""Intervals, tests and predictions of linear models: one-way layouts and incomplete blocks.

One-way layouts with few groups and small variances between them, where one fit in three or so is
singular: by Satterthwaite's method coverage is right on average and too low among singular fits; by
Kenward and Roger's method it is at least nominal on average. An F test of three treatments in
blocks that have lost rows keeps its size by both.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import pylme
from pylme.inference.coefficient_tests import contrast_tests
from pylme.inference.joint_test import joint_test
from pylme.inference.kernels import Kernels
from pylme.reference.ending import optimum_of

from .measured import Measured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pylme.results.linear_problem import LinearProblem

__all__ = ["LAYOUTS", "f_tests", "means", "predictions", "profiles"]

#: Groups, rows in each, variance between groups over that within.
LAYOUTS = {
    "6 groups of 4 rows, variance ratio 1": (6, 4, 1.0),
    "6 groups of 4 rows, variance ratio 0.2": (6, 4, 0.2),
    "6 groups of 2 rows, variance ratio 0.2": (6, 2, 0.2),
    "12 groups of 3 rows, variance ratio 0.5": (12, 3, 0.5),
}
#: 20,000 sets of each layout by a program of dense matrices.
ELSEWHERE = "dense program"


def means(sets: int) -> list[Measured]:
    """Intervals of the mean of six groups of five rows, where many fits are singular."""
    rng = np.random.default_rng(11)
    groups, size, ratio = 6, 5, 0.2
    data = pd.DataFrame({"g": np.repeat([f"g{i}" for i in range(groups)], size)})
    data["y"] = rng.normal(size=len(data)) + np.repeat(rng.normal(size=groups), size)
    b = np.sqrt(ratio) * np.repeat(rng.normal(size=(sets, groups)), size, axis=1)
    covered: dict[str, list[bool]] = {"satterthwaite": [], "kenward-roger": []}
    singular = []
    for kernels in _kernels(_linear("y ~ 1 + (1 | g)", data), b + rng.normal(size=b.shape)):
        singular.append(kernels.singular)
        for ddf, found in covered.items():
            test = contrast_tests(kernels, np.eye(1), ["mean"], ddf=ddf, conf_level=0.95)
            found.append(bool(test.conf_low[0] <= 0.0 <= test.conf_high[0]))
    design = "6 groups of 5 rows, variance ratio 0.2"
    share = {ddf: np.array(found) for ddf, found in covered.items()}
    chosen = np.array(singular)
    # At a singular fit Kenward and Roger's method is the better one, hence the advice.
    return [
        _of(design, "95 % interval of the mean, Satterthwaite", share["satterthwaite"],
            (0.95, 0.95), "nominal"),
        _of(design, "the same, singular fits", share["satterthwaite"][chosen],
            (0.852, 0.852), ELSEWHERE),
        _of(design, "95 % interval of the mean, Kenward-Roger", share["kenward-roger"],
            (0.969, 0.969), ELSEWHERE),
        _of(design, "the same, singular fits", share["kenward-roger"][chosen],
            (0.927, 0.927), ELSEWHERE),
    ]  # fmt: skip


def f_tests(sets: int) -> list[Measured]:
    """Tests of three treatments in blocks that have lost rows."""
    rng = np.random.default_rng(12)
    blocks, each = 8, 6
    data = pd.DataFrame(
        {
            "block": np.repeat([f"b{i}" for i in range(blocks)], each),
            "treatment": np.tile(["a", "b", "c"], blocks * each // 3),
        }
    )
    data = data.iloc[np.sort(rng.permutation(len(data))[:36])].reset_index(drop=True)
    codes = data["block"].astype("category").cat.codes.to_numpy()
    data["y"] = rng.normal(size=len(data)) + rng.normal(size=blocks)[codes]
    linear = _linear("y ~ treatment + (1 | block)", data)
    responses = rng.normal(size=(sets, blocks))[:, codes] + rng.normal(size=(sets, len(data)))
    L = np.eye(3)[1:]
    p: dict[str, list[float]] = {"satterthwaite": [], "kenward-roger": []}
    for kernels in _kernels(linear, responses):
        for ddf, found in p.items():
            found.append(joint_test(kernels, L, ddf=ddf).p_value)
    return [
        _of("8 incomplete blocks, 3 treatments", f"F test at {level}, {ddf.title()}",
            np.array(found) < level, (level, level), "nominal")
        for ddf, found in p.items()
        for level in (0.05, 0.1)
    ]  # fmt: skip


def predictions(layout: str, sets: int) -> list[Measured]:
    """Of the conditional mean, and of an observation in a known and in a new group."""
    groups, size, ratio = LAYOUTS[layout]
    rng = np.random.default_rng(20)
    g = np.repeat([f"g{i:02}" for i in range(groups)], size)
    rows = {"g": ["g00", "new"]}
    covered = np.empty((sets, 3), dtype=np.bool_)
    for at in range(sets):
        b = rng.normal(scale=np.sqrt(ratio), size=groups)
        data = pd.DataFrame({"g": g, "y": b.repeat(size) + rng.normal(size=groups * size)})
        fit = pylme.lmer("y ~ 1 + (1 | g)", data, engine="numpy")
        mean = fit.predict({"g": ["g00"]}, interval="confidence").iloc[0]
        one = fit.predict(rows, new_levels="population", interval="prediction")
        truth = np.array([b[0], b[0] + rng.normal(), np.sqrt(ratio) * rng.normal() + rng.normal()])
        low = np.array([mean["conf_low"], *one["conf_low"]])
        high = np.array([mean["conf_high"], *one["conf_high"]])
        covered[at] = (low < truth) & (truth < high)
    return [
        _of(layout, "95 % interval of a conditional mean", covered[:, 0], (0.94, 0.97), ELSEWHERE),
        _of(layout, "of an observation in a known group", covered[:, 1], (0.95, 0.955), ELSEWHERE),
        _of(layout, "of an observation in a new group", covered[:, 2], (0.948, 0.955), ELSEWHERE),
    ]


def profiles(sets: int) -> list[Measured]:
    """Profile intervals of a layout that is large enough for the likelihood's asymptotics."""
    rng = np.random.default_rng(21)
    groups, size = 60, 5
    g, x = np.repeat(np.arange(groups), size), rng.normal(size=groups * size)
    truth = np.array([0.7, 1.0, 0.5, 0.3])
    covered = np.empty((sets, 4), dtype=np.bool_)
    for at in range(sets):
        y = truth[2] + truth[3] * x + rng.normal(scale=truth[0], size=groups)[g]
        data = pd.DataFrame({"y": y + rng.normal(size=len(g)), "x": x, "g": g})
        ends = pylme.lmer("y ~ x + (1 | g)", data, engine="numpy").confint(names="lme4")
        low, high = ends["conf_low"].to_numpy(), ends["conf_high"].to_numpy()
        covered[at] = (low < truth) & (truth < high)
    return [
        _of("60 groups of 5 rows, a covariate", f"95 % profile interval of {name}", column,
            (0.945, 0.95), "asymptotics")
        for name, column in zip(("sd", "σ", "the intercept", "the slope"), covered.T, strict=True)
    ]  # fmt: skip


def _of(
    design: str,
    what: str,
    found: NDArray[np.bool_],
    between: tuple[float, float],
    expected: str,
) -> Measured:
    return Measured(
        design=design, what=what, share=float(found.mean()), sets=len(found), low=between[0],
        high=between[1], expected=expected,
    )  # fmt: skip


def _linear(formula: str, data: pd.DataFrame) -> LinearProblem:
    return pylme.lmer(formula, data, engine="numpy")._model.linear_problem()


def _kernels(linear: LinearProblem, responses: NDArray[np.float64]) -> Iterator[Kernels]:
    """The kernels of the fits of one design to many responses."""
    for y in responses:
        problem = replace(linear, y=y, theta=None)
        yield Kernels.of(problem.at(optimum_of(problem)[0]))
