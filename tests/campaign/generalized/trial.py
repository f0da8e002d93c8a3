"""One generalized model tried: the NumPy engine, lme4, the check of lme4's fit, and the truth."""

from __future__ import annotations

import time
import warnings
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import pylme
from pylme import Verdict

from .dense import DenseCriterion
from .generator import generate

if TYPE_CHECKING:
    from pylme.fit import Fit

    from .generator import GeneralizedModel

__all__ = ["Trial", "try_model"]

#: What an excess may be: of a good verdict, and of an optimum.
NEGLIGIBLE: Final = 1e-4
SAME: Final = 1e-6
#: Linear predictors beyond which an estimate counts as infinite.
INFINITE: Final = 12.0


@dataclass(slots=True, kw_only=True)
class Trial:
    """What came of one model.

    Attributes
    ----------
    seed, kind, formula, n
        Of the model.
    truth : float
        The least value of the dense criterion that anything found.
    tight : float
        What lme4 found with its tightest control, above the truth.
    excess : dict of str to float
        Above the truth: "numpy", "lme4", and "check" (the best point of the check).
    error : float
        How far the check's value at lme4's parameters is from the dense one.
    verdict : str
    alarmed : bool
    failures : list of str
    seconds : dict of str to float
    """

    seed: int
    kind: str = ""
    formula: str = ""
    n: int = 0
    truth: float = float("nan")
    tight: float = float("nan")
    excess: dict[str, float] = field(default_factory=dict)
    error: float = float("nan")
    verdict: str = ""
    alarmed: bool = False
    failures: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def plain(self) -> dict[str, object]:
        """As JSON has it."""
        return asdict(self)


def _fit(model: GeneralizedModel, engine: str, **more: Any) -> Fit:
    if model.family == "negative binomial":
        return pylme.glmer_nb(model.formula, model.data, engine=engine, **model.options, **more)
    return pylme.glmer(
        model.formula, model.data, family=model.family, link=model.link, engine=engine,
        **model.options, **more,
    )  # fmt: skip


def _point(fit: Fit) -> np.ndarray:
    shape = fit.getme("glmer.nb.theta") if fit.family.shape is not None else None
    extra = [] if shape is None else [np.log(shape)]
    return np.concatenate([fit.theta, fit.fixef.to_numpy(), extra])


def try_model(seed: int) -> Trial:
    """Try the model of a seed."""
    model = generate(seed)
    trial = Trial(seed=seed, kind=model.kind, formula=model.formula, n=len(model.y))
    dense = DenseCriterion(model)
    tight = pylme.GlmerControl(
        optimizer="bobyqa", tol_pwrss=1e-11, opt_ctrl={"rhoend": 1e-9, "maxfun": 20000}
    )
    points: dict[str, np.ndarray] = {}
    fits: dict[str, Fit] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, engine, more in (
            ("numpy", "numpy", {}), ("lme4", "lme4", {}), ("tight", "lme4", {"control": tight})
        ):  # fmt: skip
            started = time.process_time()
            try:
                fits[name] = _fit(model, engine, **more)
                points[name] = _point(fits[name])
            except pylme.errors.PylmeError as error:
                if name == "numpy":
                    trial.failures.append(f"numpy: {type(error).__name__}: {error}")
            trial.seconds[name] = time.process_time() - started
        check = None
        if "lme4" in fits:
            started = time.process_time()
            check = fits["lme4"].cross_check()
            trial.seconds["check"] = time.process_time() - started
    if check is not None:
        trial.verdict, trial.alarmed = check.verdict.name, bool(check.alarms)
        if len(check.theta):
            extra = [] if check.shape is None else [np.log(check.shape)]
            points["check"] = np.concatenate([check.theta, check.beta, extra])
    endless = trial.verdict == Verdict.NO_FINITE_ESTIMATE.name
    if endless or not points:
        # Nothing has an optimum: that this is right is judged by its size.
        _judge_endless(trial, model, points)
        return trial
    trial.truth, best = dense.least(list(points.values()), [_own_start(dense)])
    for name, point in points.items():
        value = dense(point) - trial.truth
        if name == "tight":
            trial.tight = value
        else:
            trial.excess[name] = value
    if check is not None:
        trial.error = abs(check.recomputed - dense(points["lme4"]))
    _judge(trial, model, best, check)
    return trial


def _own_start(dense: DenseCriterion) -> np.ndarray:
    """Half a standard deviation for each effect, and no fixed effects but the mean."""
    start = np.zeros(dense.size)
    at = 0
    for _, columns in dense.model.terms:
        k = columns.shape[1]
        for c in range(k):
            start[at] = 0.5 / np.sqrt((columns[:, c] ** 2).mean())
            at += k - c
    start[dense.m] = np.log(max(dense.model.y.mean(), 0.1)) if dense.model.link == "log" else 0.0
    return start


def _judge_endless(trial: Trial, model: GeneralizedModel, points: dict[str, np.ndarray]) -> None:
    if model.kind == "separated" or "lme4" not in points:
        return
    beta = points["lme4"][-model.X.shape[1] :]
    grown = np.abs(model.X @ beta).max() > INFINITE or model.family == "negative binomial"
    groups = any(
        all(len(set(model.y[codes == j])) == 1 for j in np.unique(codes))
        for codes, _ in model.terms
    )
    if not (grown or groups or _empty_cell(model)):
        trial.failures.append("NO_FINITE_ESTIMATE of a model whose estimates are moderate")


def _empty_cell(model: GeneralizedModel) -> bool:
    """Whether one of the two values of f has one outcome only."""
    return any(
        len(set((model.y / model.trials)[model.X[:, 2] == value])) == 1 for value in (0.0, 1.0)
    )


def _judge(trial: Trial, model: GeneralizedModel, best: np.ndarray, check: Any) -> None:
    moderate = np.abs(model.X @ best[-model.X.shape[1] :]).max() < INFINITE or model.X.shape[1] == 0
    if model.family == "negative binomial":
        moderate = abs(best[-1]) < 6.0
    rounding = 1e-10 * abs(trial.truth)
    if moderate and trial.excess.get("numpy", 0.0) > SAME + rounding:
        trial.failures.append(f"numpy misses the optimum by {trial.excess['numpy']:.1e}")
    if check is None:
        return
    if trial.error > SAME + rounding:
        trial.failures.append(f"the value at lme4's parameters is off by {trial.error:.1e}")
    if not moderate:
        return
    above = trial.excess["lme4"]
    if trial.excess.get("check", 0.0) > SAME + rounding:
        trial.failures.append(f"the check misses the optimum by {trial.excess['check']:.1e}")
    if check.ok and above > 1.1 * NEGLIGIBLE:
        trial.failures.append(f"{trial.verdict} {above:.1e} above the optimum")
    if check.verdict is Verdict.STOPPED_SHORT and above < 0.9 * NEGLIGIBLE:
        trial.failures.append(f"STOPPED_SHORT {above:.1e} above the optimum")
    if check.verdict in (Verdict.DISAGREES, Verdict.UNCHECKED, Verdict.NOT_IDENTIFIED):
        trial.failures.append(f"{trial.verdict}: {check.reason or check.sentence}")
