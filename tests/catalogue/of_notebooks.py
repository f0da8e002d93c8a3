"""Messages about tables for other packages, and the estimator of scikit-learn."""

from __future__ import annotations

import runpy
import sys
from functools import cache
from typing import TYPE_CHECKING

import pytest

import pylme
from pylme.api import lmer_regressor

from .case import DATA, Case

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CASES"]

X, Y = DATA[["x", "g"]], DATA["y"]


@cache
def _fit() -> pylme.Fit:
    return pylme.lmer("y ~ x + (1 | g)", DATA, engine="numpy")


def _without(package: str, work: Callable[[], object]) -> Callable[[], None]:
    def worked() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(sys.modules, package, None)
            work()

    return worked


def _estimator() -> object:
    """Of a file that is read anew, as Python keeps what was imported."""
    return runpy.run_path(lmer_regressor.__file__)["LmerRegressor"]()


def _fitted(kind: str, said: str, **options: object) -> Case:
    return Case(
        trigger=lambda: pylme.LmerRegressor(**options).fit(X, Y),
        kind=kind,
        said=said,
        remedy=lambda: pylme.LmerRegressor(groups="g").fit(X, Y),
    )


CASES = {
    "no great_tables": Case(
        trigger=_without("great_tables", lambda: _fit().coef_test().to_gt()),
        kind="MissingPackageError",
        said="pip install great-tables",
    ),
    "no xarray": Case(
        trigger=_without("xarray", lambda: _fit().bootstrap(2, seed=1).to_xarray()),
        kind="MissingPackageError",
        said="pip install xarray",
    ),
    "no scikit-learn": Case(
        trigger=_without("sklearn.base", _estimator),
        kind="MissingPackageError",
        said="pip install scikit-learn",
    ),
    "neither groups nor a formula": _fitted("OptionError", "or else `formula`"),
    "a group that is no column": _fitted("UnknownNameError", "Did you mean 'g'?", groups="G"),
    "a formula of a transformed response": _fitted(
        "OptionError", "a plain name on its left", formula="exp(y) ~ x + (1 | g)"
    ),
}
