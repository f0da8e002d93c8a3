"""Causes in a model and its data of failures of lme4's iterations, each with a remedy.

Penalized iteratively reweighted least squares (PIRLS) starts near the linear predictor 0 or the
observed response, and has no step control that keeps a mean within its range. It fails where the
scales of the columns differ so much that the cross-product is not positive definite in double
precision, where the start is many units of the link away, and where a mean leaves its range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import logsumexp

from pylme.errors import PylmeError
from pylme.families import link_of
from pylme.families.family import confined
from pylme.formula import Call, deparse, walk
from pylme.identifiability.separation.report import separation
from pylme.model_matrix.build import build
from pylme.model_matrix.magnitudes import hard_columns
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pylme.families import Family
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.spec import ModelSpec

__all__ = ["Cause", "causes"]

#: Units of the link between the offset and the response, from which on the start is far.
_FAR_OFFSET: Final = 2.0
#: Orders of magnitude between a typical mean and 1, where the link is a power of the mean.
_FAR_MEAN: Final = 1.5
#: A remainder of the linear predictor below this part of its size is rounding errors.
_EXACT: Final = 1e-10
#: Rows for each random effect, below which a random part asks for much.
_FEW_ROWS: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A fact, and what to do."""

    fact: str
    remedy: str


def causes(spec: ModelSpec) -> tuple[Cause, ...]:
    """All known causes of a failure of the iterations that the model and its data have.

    Parameters
    ----------
    spec : ModelSpec
    """
    try:
        with silenced():
            design = build(spec)
    except (PylmeError, ArithmeticError, np.linalg.LinAlgError):
        # A formula that R alone can evaluate: nothing is known of its columns.
        return tuple(_link(spec.family, None)) if spec.family is not None else ()
    found: list[Cause] = []
    if spec.family is not None:
        found += _offset(spec, spec.family, design)
    found += _columns(design)
    if spec.family is not None:
        found += _response(spec, spec.family, design)
        found += _separated(spec.family, design)
        found += _link(spec.family, design)
        found += _exact(spec.family, design)
    found += _effects(design)
    if spec.family is not None:
        found += _skewed(spec, spec.family, design)
    return tuple(found)


def _proportions(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """The response on the scale of the mean."""
    return y[:, 0] / y.sum(axis=1) if y.ndim == 2 else y


def _offset(spec: ModelSpec, family: Family, design: ModelMatrices) -> Iterator[Cause]:
    offset = design.offset
    if not offset.any() or not _spans_constant(design):
        return
    mean = float(np.mean(_proportions(design.y)))
    with np.errstate(all="ignore"):
        shift = float(link_of(family.link).eta(np.array(mean))) - float(np.mean(offset))
        if family.link == "log":
            shift = float(np.log(mean) - (logsumexp(offset) - np.log(len(offset))))
    if not np.isfinite(shift) or abs(shift) < _FAR_OFFSET:
        return
    constant = f"{'+' if shift > 0 else '-'} {abs(shift):.3g}"
    calls = [n for n in walk(spec.formula.fixed) if isinstance(n, Call) and n.function == "offset"]
    if calls:
        written = deparse(calls[0].arguments[0].value)
        where = f"write offset({written} {constant}) in the formula"
    elif spec.offset is not None and spec.offset.rstrip(".") != "offset":
        where = f"pass the offset {constant}, as in offset=data[{spec.offset!r}] {constant}"
    else:
        where = f"pass the offset {constant}"
    units = (
        f"the response is about {np.exp(shift):.3g} for each unit that the offset measures"
        if family.link == "log"
        else f"the offset lies {abs(shift):.3g} units of the {family.link} link from the response"
    )
    yield Cause(
        fact=f"{units}, so that the iterations start far from the solution",
        remedy=f"Give the offset in other units: {where}. Only the intercept changes, by "
        f"{-shift:.3g}.",
    )


def _spans_constant(design: ModelMatrices) -> bool:
    """Whether a constant added to the offset changes only coefficients, and not the model."""
    if not design.p:
        return False
    one = np.ones(design.n)
    left = one - design.X @ np.linalg.lstsq(design.X, one, rcond=None)[0]
    return float(np.abs(left).max()) < 1e-8


def _columns(design: ModelMatrices) -> Iterator[Cause]:
    columns = list(zip(design.x_names, design.X.T, strict=True))
    for term in design.terms:
        columns += list(zip(term.names, term.columns.T, strict=True))
    hard = list(hard_columns(columns))
    if not hard:
        return
    name, mean, sd = hard[0]
    plain = [n for n, _, _ in hard if n in design.recipe.kinds]
    if plain:
        name, mean, sd = next(fact for fact in hard if fact[0] == plain[0])
        code = "; ".join(
            f"data[{n!r}] = (data[{n!r}] - {m:.6g}) / {s:.6g}" for n, m, s in hard if n in plain[:3]
        )
        remedy = (
            f"Centre and scale it: {code}. The model stays the same (unless terms are "
            "uncorrelated by ||, where the origin matters)."
        )
    else:
        remedy = f"Compute {name} in Python, centred and scaled, and name that column in its place."
    yield Cause(
        fact=f"the column {name} has the mean {mean:.4g} and the standard deviation {sd:.3g}, so "
        "that the cross-products of the columns lose their digits",
        remedy=remedy,
    )


def _response(spec: ModelSpec, family: Family, design: ModelMatrices) -> Iterator[Cause]:
    if family.name == "binomial" or family.link == "log":
        return
    mean = float(np.mean(design.y))
    if mean <= 0:
        return
    size = float(np.log10(mean))
    if abs(size) >= _FAR_MEAN and family.name != "poisson":
        text = deparse(spec.formula.response)
        unit = 10.0 ** round(size)
        new = (
            f"data[{text!r}] = data[{text!r}] / {unit:g}"
            if text in design.recipe.kinds
            else (f"use ({text}) / {unit:g}")
        )
        yield Cause(
            fact=f"the response is about {mean:.3g}, so that by the {family.link} link the linear "
            f"predictor is about {float(link_of(family.link).eta(np.array(mean))):.3g}",
            remedy=f'Give the response in other units: {new}. Or use link="log", under which '
            "units change the intercept alone.",
        )


def _separated(family: Family, design: ModelMatrices) -> Iterator[Cause]:
    found = separation(family, design.y, design.X, design.x_names)
    if found is not None:
        yield Cause(
            fact=str(found),
            remedy=f"Leave out what separates ({', '.join(found.names[:3])}), or merge levels.",
        )


#: A link of each family under which every linear predictor gives a mean.
_SAFE: Final = {"binomial": "logit", "poisson": "log", "Gamma": "log", "inverse.gaussian": "log"}


def _exact(family: Family, design: ModelMatrices) -> Iterator[Cause]:
    """A response that the fixed effects explain exactly leaves no random effects."""
    with np.errstate(all="ignore"):
        eta = link_of(family.link).eta(_proportions(design.y)) - design.offset
    if not np.isfinite(eta).all():
        return
    remainder = eta - design.X @ np.linalg.lstsq(design.X, eta, rcond=None)[0]
    if np.abs(remainder).max() <= _EXACT * np.abs(eta).max():
        yield Cause(
            fact="the fixed effects explain the response exactly, which leaves nothing for the "
            "random effects to explain",
            remedy="See which column the response was computed from, and leave that column out of "
            "the formula.",
        )


def _link(family: Family, design: ModelMatrices | None) -> Iterator[Cause]:
    if confined(family):
        return
    outside = "probabilities above 1" if family.name == "binomial" else "means below 0"
    yield Cause(
        fact=f"the {family.link} link allows {outside}, which the {family.name} family does not "
        "have, and an iteration got there",
        remedy=f'Use a link that cannot: link="{_SAFE[family.name]}".{_from_above(family, design)}',
    )


def _from_above(family: Family, design: ModelMatrices | None) -> str:
    """How to keep the link: a start inside the range, without the rougher first stage."""
    if design is None or "(Intercept)" not in design.x_names:
        return ""
    mean = float(np.mean(_proportions(design.y)))
    level = float(link_of(family.link).eta(np.array(mean)))
    fixef = [round(level, 4) if name == "(Intercept)" else 0 for name in design.x_names]
    theta = [0.1 if low == 0 else 0 for low in design.lower.tolist()]
    return (
        " To keep the link, start within the range: "
        f'start={{"theta": {theta}, "fixef": {fixef}}}, '
        "control=pylme.GlmerControl(n_agq_0_init=False)."
    )


def _effects(design: ModelMatrices) -> Iterator[Cause]:
    for term in design.terms:
        if len(term.names) > 1 and design.n < _FEW_ROWS * term.n_effects:
            yield Cause(
                fact=f"{term.written} has {term.n_effects} random effects for {design.n} rows",
                remedy=f"Simplify the random part, for example to (1 | {term.group}).",
            )


def _skewed(spec: ModelSpec, family: Family, design: ModelMatrices) -> Iterator[Cause]:
    """A positive response can be fitted by a model that needs no such iterations."""
    if family.name not in ("Gamma", "inverse.gaussian"):
        return
    orders = float(np.log10(design.y.max() / design.y.min()))
    logarithm = f"log({deparse(spec.formula.response)}) ~ {deparse(spec.formula.right)}"
    yield Cause(
        fact=f"the values of the response spread over {orders:.1f} orders of magnitude",
        remedy=f'Fit its logarithm: pylme.lmer("{logarithm}", data).',
    )
