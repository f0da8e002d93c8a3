"""R's internal errors in a fit, with a reason and a remedy from pylme's knowledge of the model."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

from pylme.errors import RError
from pylme.lme4.causes import Cause, causes

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylme.model_matrix.spec import ModelSpec

__all__ = ["explained"]


def explained(error: RError, spec: ModelSpec, *, of_counts: bool = False) -> RError:
    """The error with its reason and a remedy, if they are known; otherwise unchanged.

    R's message and call remain its attributes.

    Parameters
    ----------
    error : RError
    spec : ModelSpec
        The model that R was given.
    of_counts : bool
        Whether the dispersion of a negative binomial was searched for.
    """
    cause = _of_the_formula(error, spec)
    if cause is None and of_counts and _BROKEN.search(error.message) and not causes(spec):
        cause = _counts()
    if cause is None:
        cause = next(
            (rule(spec) for pattern, rule in _RULES if pattern.search(error.message)), None
        )
    if cause is None:
        return error
    return RError(
        message=error.message,
        call=error.call,
        asked=error.asked,
        reason=cause.fact,
        remedy=cause.remedy,
    )


def _of_the_formula(error: RError, spec: ModelSpec) -> Cause | None:
    """A function that the formula calls, and that refuses its arguments."""
    name = (error.call or "").partition("(")[0].removesuffix(".default")
    if name not in spec.formula.functions:
        return None
    return Cause(
        fact=f"R's function {name}(), which the formula calls, refuses its arguments",
        remedy=f"Correct the arguments of {name}() in the formula, or compute the column in Python "
        "and name it.",
    )


def _iterations(spec: ModelSpec) -> Cause:
    """The iterations for the random effects broke down."""
    what = (
        "the penalized iteratively reweighted least squares broke down"
        if spec.family is not None
        else "the cross-product of the columns is not positive definite in double precision"
    )
    found = causes(spec)[:_MOST]
    if not found:
        return Cause(
            fact=f"{what}; nothing in the scales of the columns, the response, the offset or the "
            "link explains it",
            remedy="Simplify the random part, to one intercept for each group at first, and look "
            "for extreme values in the data.",
        )
    if len(found) == 1:
        return Cause(fact=f"{what}: {found[0].fact}", remedy=found[0].remedy)
    return Cause(
        fact=f"{what}, for one of these reasons or several:\n"
        + "\n".join(f"{place}. {cause.fact}" for place, cause in enumerate(found, start=1)),
        remedy="In this order, until it fits:\n"
        + "\n".join(f"{place}. {cause.remedy}" for place, cause in enumerate(found, start=1)),
    )


#: Causes that a message can name and still be read.
_MOST: Final = 3


def _start(spec: ModelSpec) -> Cause:
    """The family's own start is not a number."""
    link = spec.family.link if spec.family else "identity"
    where = "0 or less" if link == "log" else "0"
    return Cause(
        fact=f"the iterations start from the response, and the {link} link has no value where "
        f"that is {where}",
        remedy="Pass means to start from, all above 0, such as the mean of the response in every "
        "row: mustart=np.full(len(data), data[response].mean()).",
    )


def _levels(spec: ModelSpec) -> Cause:
    del spec
    return Cause(
        fact="a formula evaluated by R turned values into missing ones, and what is left has too "
        "few levels or rows",
        remedy="Compute the column in Python, where you can look at it, and name it.",
    )


def _lengths(spec: ModelSpec) -> Cause:
    del spec
    return Cause(
        fact="a function that the formula calls gives another number of values than the data have "
        "rows",
        remedy="Compute the column in Python, with one value in each row, and name it.",
    )


def _counts() -> Cause:
    return Cause(
        fact="the iterations broke down for one value of the dispersion parameter theta or "
        "another, as they do where the counts are not overdispersed or are very large",
        remedy='Use the Poisson family: pylme.glmer(formula, data, family="poisson").',
    )


def _memory(spec: ModelSpec) -> Cause:
    del spec
    return Cause(
        fact="R could not get the memory that the model needs",
        remedy="Use fewer rows or a coarser grouping factor, or fit it on a machine with more "
        "memory.",
    )


def _length(spec: ModelSpec) -> Cause:
    del spec
    return Cause(
        fact="there are not as many starting values as parameters",
        remedy="Fit the model without `start` first: it needs as many values of theta as fit.theta "
        "has, and of fixef as fit.fixef has.",
    )


def _points(spec: ModelSpec) -> Cause:
    bars = len(spec.formula.bars)
    return Cause(
        fact="more than one quadrature point (n_agq above 1) is possible with one random "
        f"intercept or one random slope alone; this model has {bars} term{'s' * (bars != 1)}"
        + (" with several effects" if bars == 1 else ""),
        remedy="Use the Laplace approximation: n_agq=1.",
    )


def _range(spec: ModelSpec) -> Cause:
    name = spec.family.name if spec.family else "gaussian"
    return Cause(
        fact=f"the response has values that the {name} family does not have",
        remedy="Compute the response in Python, look at its values, and name that column.",
    )


def _stopped(instead: str, spec: ModelSpec) -> Cause:
    del spec
    return Cause(
        fact="lme4 checks for this, and the control asks it to stop there",
        remedy=f"Pass {instead} to the control in place of what stops, or change the model.",
    )


def _both(spec: ModelSpec) -> Cause:
    del spec
    return Cause(
        fact="with n_agq=0 the fixed effects are not searched for, and have no start",
        remedy='Give theta alone, start={"theta": [...]}, or use n_agq=1.',
    )


#: What R says where the iterations for the random effects end without a solution.
_BROKEN: Final = re.compile(
    r"Downdated VtV|PIRLS|pwrssUpdate|prss\{Update\}|step factor reduced|CHOLMOD"
    r"|PWRSS update|exactly singular|infinite or missing values|leading minor"
    r"|NA/NaN/Inf in foreign|step-halv|NaN value",
    re.IGNORECASE,
)
#: The first pattern that R's message matches decides.
_RULES: Final[tuple[tuple[re.Pattern[str], Callable[[ModelSpec], Cause]], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), rule)
    for pattern, rule in (
        (r"not allowed for the .* family|are allowed for the|out of range|y values must", _range),
        # In the words of lme4 1.1, and of lme4 2 here and below.
        (r"both start\$fixef and nAGQ|'start' has invalid names \"fixef\"", _both),
        (r"very different scales", partial(_stopped, 'check_scalex="warning"')),
        (r"rank deficient", partial(_stopped, 'check_rankx="message+drop.cols"')),
        (r"boundary \(singular\)", partial(_stopped, 'check_conv_singular="warning"')),
        (r"failed to converge", partial(_stopped, 'check_conv_grad="warning"')),
        (r"< 5 sampled levels", partial(_stopped, 'check_nlev_gtreq_5="warning"')),
        (r"only available for models with a single, scalar", _points),
        (r"valid starting values", _start),
        (_BROKEN.pattern, _iterations),
        (
            r"incorrect number of (theta|fixef) components|theta size mismatch"
            r"|starting value of '(par|theta|fixef)' has length",
            _length,
        ),
        (r"variable lengths differ", _lengths),
        (r"cannot allocate|memory exhausted|bad_alloc|INT_MAX|vector memory|too large", _memory),
        (r"0 \(non-NA\) cases|must have > 1 sampled level|2 or more levels|is constant", _levels),
    )
)
