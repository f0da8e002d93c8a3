"""lme4's controls: the optimiser and its options, and lme4's checks before and after the fit.

The arguments are lme4's own with underscores for dots; all are checked here, before R is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from numbers import Real
from typing import Any, Final, Literal

import numpy as np

from pylme.errors import OptionError
from pylme.options import choice, finite_numbers, is_number

__all__ = ["OPTIMIZER_OPTIONS", "Check", "Control", "GlmerControl", "LmerControl"]

Optimizer = Literal["nloptwrap", "bobyqa", "Nelder_Mead", "nlminbwrap"]
Action = Literal["ignore", "warning", "message", "stop"]
HardAction = Literal["ignore", "warning", "stop"]
ScaleAction = Literal[
    "warning", "stop", "silent.rescale", "message+rescale", "warn+rescale", "ignore"
]
SizeAction = Literal[
    "ignore",
    "warning",
    "message",
    "stop",
    "ignoreSmall",
    "warningSmall",
    "messageSmall",
    "stopSmall",
]
RankXAction = Literal[
    "message+drop.cols", "silent.drop.cols", "warn+drop.cols", "stop.deficient", "ignore"
]

#: The options that each optimiser takes, by its own names.
OPTIMIZER_OPTIONS: Final[dict[str, frozenset[str]]] = {
    "nloptwrap": frozenset(
        [
            "algorithm",
            "stopval",
            "ftol_rel",
            "ftol_abs",
            "xtol_rel",
            "xtol_abs",
            "maxeval",
            "maxtime",
            "population",
            "vector_storage",
            "ranseed",
            "print_level",
        ]
    ),
    "bobyqa": frozenset(["npt", "rhobeg", "rhoend", "iprint", "maxfun"]),
    "Nelder_Mead": frozenset(
        [
            "iprint",
            "maxfun",
            "FtolAbs",
            "FtolRel",
            "XtolRel",
            "MinfMax",
            "xst",
            "xt",
            "verbose",
            "warnOnly",
        ]
    ),
    "nlminbwrap": frozenset(
        [
            "eval.max",
            "iter.max",
            "trace",
            "abs.tol",
            "rel.tol",
            "x.tol",
            "xf.tol",
            "step.min",
            "step.max",
            "sing.tol",
        ]
    ),
}

#: Options that may be one number for each parameter of the search.
_STEPS: Final = frozenset({"xst", "xt"})

_CHOICES: Final[dict[str, Any]] = {
    "check_nobs_vs_rankz": SizeAction,
    "check_nobs_vs_nlev": Action,
    "check_nlev_gtreq_5": Action,
    "check_nlev_gtr_1": Action,
    "check_nobs_vs_nre": Action,
    "check_rankx": RankXAction,
    "check_scalex": ScaleAction,
    "check_formula_lhs": Action,
}

#: Arguments whose names in R differ by more than a dot for an underscore.
_R_NAMES: Final[dict[str, str]] = {
    "restart_edge": "restart_edge",
    "sparse_x": "sparseX",
    "opt_ctrl": "optCtrl",
    "check_nobs_vs_rankz": "check.nobs.vs.rankZ",
    "check_nobs_vs_nre": "check.nobs.vs.nRE",
    "check_rankx": "check.rankX",
    "check_scalex": "check.scaleX",
    "check_formula_lhs": "check.formula.LHS",
    "tol_pwrss": "tolPwrss",
    "compdev": "compDev",
    "n_agq_0_init": "nAGQ0initStep",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One of lme4's convergence checks.

    Attributes
    ----------
    action : {"ignore", "warning", "message", "stop"}
        "message" is allowed for the singularity check only.
    tol : float
    rel_tol : float, optional
        Also check the gradient relative to the parameters (gradient check only).

    Examples
    --------
    >>> import pylme
    >>> check = pylme.Check(action="warning", tol=0.01)
    >>> pylme.LmerControl(check_conv_grad=check).check_conv_grad.tol
    0.01
    """

    action: Action
    tol: float
    rel_tol: float | None = None

    def __post_init__(self) -> None:
        choice("action", self.action, Action)
        for name in ("tol", "rel_tol"):
            value = getattr(self, name)
            if value is None and name == "rel_tol":
                continue
            if not (is_number(value) and value > 0):
                raise OptionError(option=name, value=value, allowed="a positive number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """The options common to `lmer` and `glmer`; None means lme4's own default.

    Attributes
    ----------
    optimizer : {"nloptwrap", "bobyqa", "Nelder_Mead", "nlminbwrap"}, optional
        For a GLMM also a tuple of two, one for each stage.
    restart_edge : bool, optional
        Restart where the optimiser ends on the boundary.
    boundary_tol : float, optional
        The distance from the boundary below which the boundary itself is tried; 0 for never.
    calc_derivs : bool, optional
        Compute gradient and Hessian at the end, which lme4's checks need.
    use_last_params : bool, optional
        Keep the last parameters evaluated rather than the best.
    sparse_x : bool, optional
        Keep the fixed-effects model matrix sparse; lme4 1.1 accepts it and does not use it.
    opt_ctrl : mapping
        The optimiser's options by their own names; whole numbers may be int or float.
        Nelder_Mead's `xst` and `xt` have one number for each parameter of the search.
    check_nobs_vs_rankz, check_nobs_vs_nlev, check_nlev_gtreq_5, check_nlev_gtr_1, \
    check_nobs_vs_nre, check_rankx, check_scalex, check_formula_lhs : str, optional
        What lme4 does about more random effects than rows, few levels, a rank-deficient or
        ill-scaled X, a formula without a left side.
    check_conv_grad, check_conv_singular, check_conv_hess : Check or str, optional
        The checks after the fit; a str is the action, with lme4's tolerance.

    Raises
    ------
    OptionError
        If an option is not one of those allowed.
    """

    optimizer: Optimizer | tuple[Optimizer, Optimizer] | None = None
    restart_edge: bool | None = None
    boundary_tol: float | None = None
    calc_derivs: bool | None = None
    use_last_params: bool | None = None
    sparse_x: bool | None = None
    opt_ctrl: Mapping[str, Any] = field(default_factory=dict)
    check_nobs_vs_rankz: SizeAction | None = None
    check_nobs_vs_nlev: Action | None = None
    check_nlev_gtreq_5: Action | None = None
    check_nlev_gtr_1: Action | None = None
    check_nobs_vs_nre: Action | None = None
    check_rankx: RankXAction | None = None
    check_scalex: ScaleAction | None = None
    check_formula_lhs: Action | None = None
    check_conv_grad: Check | Action | None = None
    check_conv_singular: Check | Action | None = None
    check_conv_hess: Check | Action | None = None

    def __post_init__(self) -> None:
        if isinstance(self.optimizer, tuple) and (
            len(self.optimizer) != 2 or not isinstance(self, GlmerControl)
        ):
            raise OptionError(
                option="optimizer",
                value=self.optimizer,
                allowed="one optimiser, or for a GLMM one for each of the two stages",
            )
        for name in self._optimizers:
            choice("optimizer", name, Optimizer)
        for name, allowed in _CHOICES.items():
            value = getattr(self, name)
            if value is not None:
                choice(name, value, allowed)
        for name in ("restart_edge", "calc_derivs", "use_last_params", "sparse_x"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, bool):
                raise OptionError(option=name, value=value, allowed=(True, False, None))
        tol = self.boundary_tol
        if tol is not None and not (is_number(tol) and tol >= 0):
            raise OptionError(option="boundary_tol", value=tol, allowed="a number of 0 or more")
        for name in ("check_conv_grad", "check_conv_singular", "check_conv_hess"):
            value = getattr(self, name)
            if value is None:
                continue
            action = value.action if isinstance(value, Check) else value
            # lme4 has no branch for "message" there: it would stop, and the fit be lost.
            choice(name, action, Action if name == "check_conv_singular" else HardAction)
        self._check_options()

    @property
    def _optimizers(self) -> tuple[str, ...]:
        """The requested optimisers, or lme4's own."""
        if self.optimizer is None:
            return ("bobyqa", "Nelder_Mead") if isinstance(self, GlmerControl) else ("nloptwrap",)
        return self.optimizer if isinstance(self.optimizer, tuple) else (self.optimizer,)

    def _check_options(self) -> None:
        if not isinstance(self.opt_ctrl, Mapping):
            raise OptionError(
                option="opt_ctrl", value=self.opt_ctrl, allowed="a mapping of options"
            )
        allowed = sorted(frozenset().union(*(OPTIMIZER_OPTIONS[name] for name in self._optimizers)))
        for option, value in self.opt_ctrl.items():
            if option not in allowed:
                raise OptionError(option="opt_ctrl", value=option, allowed=allowed)
            if option == "algorithm":
                if not isinstance(value, str):
                    raise OptionError(
                        option="opt_ctrl['algorithm']", value=value, allowed="the name of one"
                    )
            elif option in _STEPS and not isinstance(value, Real):
                finite_numbers(f"opt_ctrl[{option!r}]", value)
            elif not is_number(value) and not isinstance(value, bool | np.bool_):
                raise OptionError(
                    option=f"opt_ctrl[{option!r}]", value=value, allowed="a number or a bool"
                )

    def arguments(self) -> dict[str, Any]:
        """What was set, under lme4's names; a `Check` becomes a mapping of its parts."""
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        return {
            _R_NAMES.get(name, name.replace("_", ".")): _plain(value)
            for name, value in given.items()
            if value is not None and value != {}
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LmerControl(Control):
    """The control of `lmer`; see `Control` for all options.

    Examples
    --------
    >>> import pylme
    >>> pylme.LmerControl(optimizer="bobyqa", opt_ctrl={"maxfun": 20000}).optimizer
    'bobyqa'
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class GlmerControl(Control):
    """The control of `glmer` and `glmer_nb`: that of `lmer` and the parts that only a GLMM has.

    Attributes
    ----------
    tol_pwrss : float, optional
        Tolerance of the penalized iteratively reweighted least squares.
    compdev : bool, optional
        Compute the deviance in C++.
    n_agq_0_init : bool, optional
        Start with the faster first stage, nAGQ = 0.
    check_response_not_const : str, optional
        What lme4 does about a response that is the same in all rows; pylme refuses it itself.

    Examples
    --------
    >>> import pylme
    >>> pylme.GlmerControl(optimizer=("bobyqa", "Nelder_Mead"), tol_pwrss=1e-8).tol_pwrss
    1e-08
    """

    tol_pwrss: float | None = None
    compdev: bool | None = None
    n_agq_0_init: bool | None = None
    check_response_not_const: Action | None = None

    def __post_init__(self) -> None:
        tol = self.tol_pwrss
        if tol is not None and not (is_number(tol) and tol > 0):
            raise OptionError(option="tol_pwrss", value=tol, allowed="a positive number")
        for name in ("compdev", "n_agq_0_init"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, bool):
                raise OptionError(option=name, value=value, allowed=(True, False, None))
        if self.check_response_not_const is not None:
            choice("check_response_not_const", self.check_response_not_const, Action)
        Control.__post_init__(self)


def _plain(value: Any) -> Any:
    """A value as R needs it: numbers are doubles, as usual in R code.

    An optimiser converts a double to an integer where necessary, but stops at an integer where it
    needs a double.
    """
    if isinstance(value, Check):
        parts = {"action": value.action, "tol": float(value.tol)}
        return parts if value.rel_tol is None else {**parts, "relTol": float(value.rel_tol)}
    if isinstance(value, Mapping):
        return {name: _option(part) for name, part in value.items()}
    return float(value) if is_number(value) else value


def _option(value: Any) -> Any:
    """An optimiser's option: a string, or one double or several."""
    if isinstance(value, str):
        return value
    numbers = np.asarray(value, dtype=np.float64)
    return numbers if numbers.ndim else numbers.item()
