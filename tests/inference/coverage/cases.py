"""All simulations, each by its name: what is told how many sets, and gives what it counted."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from .generalized import FAMILIES, slopes
from .linear import LAYOUTS, f_tests, means, predictions, profiles
from .ratios import PAIRS, ratio_tests

if TYPE_CHECKING:
    from collections.abc import Callable

    from .measured import Measured

__all__ = ["CASES"]

CASES: dict[str, Callable[[int], list[Measured]]] = {
    "means": means,
    "f_tests": f_tests,
    "profiles": profiles,
    **{f"predictions.{at}": partial(predictions, name) for at, name in enumerate(LAYOUTS, 1)},
    **{f"ratios.{at}": partial(ratio_tests, *pair) for at, pair in enumerate(PAIRS, 1)},
    **{f"slopes.{family.replace(' ', '_')}": partial(slopes, family) for family in FAMILIES},
}
