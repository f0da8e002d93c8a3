"""Messages about plots: lines of the criterion, planes of effects, studies, searches."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import pylme
from pylme import plot
from pylme.plot.axes import _axes_that_show

from .case import DATA, Case

__all__ = ["CASES"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Along:
    """A combination of covariance parameters."""

    names: tuple[str, ...]
    weights: tuple[float, ...] = (1.0,)


_DATA = DATA.assign(
    many=[f"m{i % 20}" for i in range(80)], twice=2 * DATA["x"], noise=DATA["y"] % 1
)
_STUDY = pd.DataFrame(
    {
        "model": ["a"] * 16,
        "replicate": [0, 1] * 8,
        "parameter": [f"p{i // 2}" for i in range(16)],
        "estimate": range(16),
        "truth": [1.0] * 16,
    }
)


@cache
def _fit(formula: str = "y ~ x + (x | g)") -> pylme.Fit:
    return pylme.lmer(formula, _DATA, engine="numpy")


def _line(
    said: str,
    along: object,
    good: object,
    kind: str = "OptionError",
    parsed: str | None = None,
    *,
    formula: str = "y ~ x + (x | g)",
    **named: object,
) -> Case:
    def remedy(*groups: str) -> object:
        found = good(*groups) if callable(good) else good
        named_too = found if isinstance(found, dict) else {"along": found}
        return plot.profile_criterion_data(_fit(formula), points=3, **{"along": along, **named_too})

    return Case(
        trigger=lambda: plot.profile_criterion_data(_fit(formula), along, **named),
        kind=kind,
        said=said,
        remedy=remedy,
        parsed=parsed,
    )


def _plane(
    said: str,
    kind: str,
    good: dict[str, object],
    parsed: str | None = None,
    *,
    formula: str = "y ~ x + (x | g)",
    better: str | None = None,
    **bad: object,
) -> Case:
    def remedy(*groups: str) -> object:
        named = dict(zip(good, groups, strict=True)) if groups else good
        return plot.random_effects_data(_fit(better or formula), **named)

    return Case(
        trigger=lambda: plot.random_effects_data(_fit(formula), **bad),
        kind=kind,
        said=said,
        remedy=remedy,
        parsed=parsed,
    )


def _study(
    said: str, kind: str, parsed: str | None = None, data: pd.DataFrame = _STUDY, **bad: object
) -> Case:
    return Case(
        trigger=lambda: plot.study_data(data, **bad),
        kind=kind,
        said=said,
        remedy=lambda name="p0": plot.study_data(_STUDY, name),
        parsed=parsed,
    )


def _without_matplotlib() -> object:
    """Draw where matplotlib cannot be imported."""
    _axes_that_show.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "matplotlib.axes", None)
        return plot.caterpillar(_fit())


def _without_altair() -> object:
    """Draw where altair cannot be imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "altair", None)
        return plot.caterpillar(_fit(), backend="altair")


@cache
def _many_rows() -> pylme.Fit:
    draw = np.random.default_rng(0)
    data = pd.DataFrame({"y": draw.normal(size=25_000), "g": np.arange(25_000) % 20})
    return pylme.lmer("y ~ 1 + (1 | g)", data, engine="numpy")


CASES = {
    "effects of a line": _line("(group, effect)", ("g",), ("g", "x")),
    "a combination of none": _line(
        "covariances that change", _Along(names=("sigma^2",)), _Along(names=("var(x | g)",))
    ),
    "a combination of another name": _line(
        "Did you mean",
        _Along(names=("var(z | g)",)),
        lambda name: _Along(names=(name,)),
        "UnknownNameError",
        r"Did you mean '(var\(x \| g\))'",
    ),
    "a line without room": _line(
        "cannot change with the others fixed",
        _Along(names=("cov(x, w | g)",)),
        [1.0, 0, 0, 0, 0, 0],
        "NotAvailableError",
        formula="noise ~ x + (x + w | g)",
    ),
    "a direction of nothing": _line("not all zero", [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]),
    "a span of text": _line(
        "ascending",
        ("g", "x"),
        lambda low, high: {"span": (float(low), float(high))},
        parsed=r"numbers from (\S+) to (\S+)\.",
        span="wide",
    ),
    "a plane by another name": _plane(
        "Did you mean 'f'",
        "UnknownColumnError",
        {"by": "f"},
        r"Did you mean '(\w+)'",
        formula="y ~ x * f + (x | g)",
        by="ff",
    ),
    "a plane of many values": _plane(
        "at most", "OptionError", {"by": "f"}, formula="y ~ x + f + many + (x | g)", by="many"
    ),
    "a slope of another name": _plane(
        "x", "UnknownColumnError", {"slope": "x"}, r"There are: .*'(x)'", slope="slope"
    ),
    "several slopes": _plane(
        "Allowed",
        "OptionError",
        {"slope": "x"},
        r"Allowed: '(\w+)'",
        by="f",
        formula="y ~ f + x + twice + (x | g)",
    ),
    "a plane of intercepts": _plane(
        "not linear",
        "NotAvailableError",
        {},
        formula="y ~ x + (1 | g)",
        better="y ~ x + (x | g)",
        slope="x",
    ),
    "several parameters": _study("Allowed", "OptionError", r"Allowed: '(\w+)'"),
    "too many parameters": _study(
        "at most 7", "OptionError", parameter=[f"p{i}" for i in range(8)]
    ),
    "a parameter of another name": _study(
        "Did you mean", "UnknownNameError", r"Did you mean '(\w+)'", parameter="p00"
    ),
    "a study without a column": _study(
        "a study", "UnknownColumnError", data=_STUDY.drop(columns="estimate")
    ),
    "the way of lme4": Case(
        trigger=lambda: plot.convergence_data(pylme.lmer("y ~ x + (1 | g)", DATA)),
        kind="NotAvailableError",
        said="lme4 keeps none",
        remedy=lambda engine: plot.convergence_data(
            pylme.lmer("y ~ x + (1 | g)", DATA, engine=engine)
        ),
        parsed=r'engine="(\w+)"',
        needs_r=True,
    ),
    "the criterion of a generalized model": Case(
        trigger=lambda: plot.profile_criterion_data(
            pylme.glmer("count ~ x + (1 | g)", DATA, family="poisson"), [1.0]
        ),
        kind="NotAvailableError",
        said="no fixed effect is profiled",
        remedy=lambda: plot.profile_criterion_data(_fit(), ("g", "x"), points=3),
        needs_r=True,
    ),
    "errors of a saved fit": Case(
        trigger=lambda: (
            pylme.from_json(
                pylme.lmer("y ~ x + (1 | g)", DATA, engine="lme4").to_json()
            ).varcorr_table
        ),
        kind="NotAvailableError",
        said="Hessian of a likelihood",
        remedy=lambda: _fit().varcorr_table,
        needs_r=True,
    ),
    "no matplotlib": Case(
        trigger=_without_matplotlib,
        kind="MissingPackageError",
        said="pip install matplotlib",
        remedy=lambda: plot.caterpillar(_fit()),
    ),
    "no altair": Case(
        trigger=_without_altair,
        kind="MissingPackageError",
        said="pip install altair",
        remedy=lambda: plot.caterpillar(_fit(), backend="altair"),
    ),
    "a chart in Axes": Case(
        trigger=lambda: plot.caterpillar(_fit(), backend="altair", ax=Figure().subplots()),
        kind="OptionError",
        said='None with backend="altair"',
        remedy=lambda: plot.caterpillar(_fit(), backend="altair", ax=None),
    ),
    "a chart of many rows": Case(
        trigger=lambda: plot.residuals(_many_rows(), backend="altair"),
        kind="NotAvailableError",
        said="25,000 rows",
        remedy=lambda backend: plot.residuals(_many_rows(), backend=backend),
        parsed=r'backend="(\w+)"\.',
    ),
    "a column with two parts": Case(
        trigger=lambda: plot.predictions_data(_fit(), "x", "g", by="x"),
        kind="OptionError",
        said="no other part",
        remedy=lambda: plot.predictions_data(_fit(), "x", "g"),
    ),
}
