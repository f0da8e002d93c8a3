"""Combinations of levels whose joined names are the same: neither engine makes one level of two."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import GroupingFactorError

ENGINES = [pytest.param("lme4", marks=pytest.mark.needs_r), "numpy"]


def _data(*, separator: str) -> pd.DataFrame:
    """Four combinations of two factors, two of them called a:b:c where the separator is a colon."""
    rng = np.random.default_rng(1)
    cell = np.repeat(np.arange(12), 5)
    return pd.DataFrame(
        {
            "y": rng.normal(size=12)[cell] + rng.normal(size=60),
            "f": np.array(["a", f"a{separator}b", "e"])[cell % 3],
            "h": np.array([f"b{separator}c", "c", "d", "i"])[cell // 3],
        }
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("group", ["f:h", "h/f", "f:(h)"])
def test_two_combinations_of_one_name_are_refused(engine: str, group: str) -> None:
    with pytest.raises(GroupingFactorError, match=r"2 combinations .* 'a:b:c'.*colons"):
        pylme.lmer(f"y ~ 1 + (1 | {group})", _data(separator=":"), engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("separator", ["_", "::"])
def test_other_names_are_taken(engine: str, separator: str) -> None:
    """Also with colons in them, as long as all names differ: the optimum is that of plain names."""
    data = _data(separator=separator)
    plain = data.assign(f=data["f"].astype("category").cat.codes.astype(str) + "f")
    fit = pylme.lmer("y ~ 1 + (1 | f:h)", data, engine=engine)
    assert fit.ngrps["f:h"] == 12
    expected = pylme.lmer("y ~ 1 + (1 | f:h)", plain, engine="numpy").criterion
    assert fit.criterion == pytest.approx(expected, abs=1e-6)
