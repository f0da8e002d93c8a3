"""A model tried: pylme's answers, the truth, and what of them is wrong."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .answer import Answer, answer, factors_of
from .dense import Dense
from .generator import generate
from .judgement import Failure, judge
from .truth import Truth, truth

if TYPE_CHECKING:
    from .dense import Matrices
    from .model import Model

__all__ = ["Trial", "try_model"]


@dataclass(slots=True, kw_only=True)
class Trial:
    """What came of one model.

    Attributes
    ----------
    seed, kind, formula, n, reml, weighted
        Of the model.
    truth : Truth or None
        None where lme4 takes no such model.
    answers : list of Answer
        By numpy and by lme4.
    excess : dict of str to float
        How far each engine's theta lies above the truth, in extended precision.
    error : dict of str to float
        How far each engine's own criterion is off at its theta.
    devfun : float
        What lme4's function has at the true optimum, less the truth.
    failures : list of Failure
    seconds : float
        Of everything.
    """

    seed: int
    kind: str = ""
    formula: str = ""
    n: int = 0
    reml: bool = True
    weighted: bool = False
    truth: Truth | None = None
    answers: list[Answer] = field(default_factory=list)
    excess: dict[str, float] = field(default_factory=dict)
    error: dict[str, float] = field(default_factory=dict)
    devfun: float = float("nan")
    failures: list[Failure] = field(default_factory=list)
    seconds: float = 0.0

    def plain(self) -> dict[str, object]:
        """As JSON has it."""
        return asdict(self)


def try_model(seed: int) -> Trial:
    """Try the model of a seed."""
    started = time.perf_counter()
    model = generate(seed)
    trial = Trial(
        seed=seed, kind=model.kind, formula=model.formula, n=model.n, reml=model.reml,
        weighted=model.weights is not None,
    )  # fmt: skip
    made = [answer(model, engine) for engine in ("numpy", "lme4")]
    trial.answers = [given for given, _ in made]
    conditioned = False
    if not model.refused:
        dense = Dense.of(model)
        _measure(trial, model, dense)
        conditioned = _compare_devfun(trial, model, dense, made[1][1])
        for given in trial.answers:
            if given.outcome == "fit" and given.columns != dense.kept.sum():
                given.broken.append(f"{given.columns} columns of X, not {dense.kept.sum()}")
    trial.failures = list(judge(trial, refused=model.refused, conditioned=conditioned))
    trial.seconds = time.perf_counter() - started
    return trial


def _measure(trial: Trial, model: Model, dense: Dense) -> None:
    """The truth, and how far from it both engines are."""
    points: dict[str, Matrices] = {}
    others: list[Matrices] = []
    for given in trial.answers:
        at, best = factors_of(model, given.theta), factors_of(model, given.checked_theta)
        if at is not None:
            points[given.engine] = at
        if best is not None:
            others.append(best)
    everywhere = [dense.in_sound(point) for point in [*points.values(), *others]]
    found = truth(dense, everywhere, np.random.default_rng([trial.seed, 1]))
    values = {engine: dense.exact(point) for engine, point in points.items()}
    lowest = float(np.nanmin([found.criterion, *values.values(), np.inf]))
    trial.truth = found.lowered(lowest)
    for given in trial.answers:
        if given.engine in values:
            trial.excess[given.engine] = values[given.engine] - lowest
            trial.error[given.engine] = given.criterion - values[given.engine]


def _compare_devfun(trial: Trial, model: Model, dense: Dense, fit: object) -> bool:
    """lme4's own function at the true optimum; whether its rounding errors are small there."""
    if fit is None or trial.truth is None:
        return False
    factors = dense.in_raw(trial.truth.factors)
    if factors is None or not trial.truth.moderate:
        return False
    theta = np.concatenate([_lower(T * np.where(np.diag(T) < 0, -1.0, 1.0)) for T in factors])
    try:
        value = fit.getme("devfun")(theta)
    except Exception:  # noqa: BLE001 lme4 may stop at any theta
        return False
    trial.devfun = value - trial.truth.criterion
    roots = np.sqrt(model.column(model.weights, 1.0))[:, None]
    X = roots * model.X[:, dense.kept]
    return (
        bool(not X.shape[1] or np.linalg.cond(X / np.sqrt((X * X).sum(axis=0))) < 1e3)
        and trial.truth.theta < 100.0
    )


def _lower(T: np.ndarray) -> np.ndarray:
    columns, rows = np.triu_indices(len(T))
    return T[rows, columns]
