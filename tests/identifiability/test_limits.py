"""Work is bounded: what is too much to analyse is said, and never claimed."""

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import GroupingFactorError
from pylme.identifiability import null_space as module
from pylme.identifiability.comparison import compare_covariances
from pylme.identifiability.parameters import MOST_PARAMETERS

FORMULA = "y ~ t + (s | a)"


def _data(groups, levels, *, each=25):
    """Levels that every group has a part of, four rows each."""
    rng = np.random.default_rng(1)
    rows = [
        (a, f"s{s}", t)
        for a in range(groups)
        for s in rng.choice(levels, min(each, levels), replace=False)
        for t in range(4)
    ]
    data = pd.DataFrame(rows, columns=["a", "s", "t"])
    data["y"] = rng.normal(size=groups)[data["a"]] + rng.normal(size=len(data))
    return data


@pytest.fixture
def widths(monkeypatch):
    """The widths of the matrices whose singular values are taken."""
    seen = []
    original = np.linalg.svd

    def counted(matrix, *args, **named):
        seen.append(matrix.shape[-1])
        return original(matrix, *args, **named)

    monkeypatch.setattr(module.np.linalg, "svd", counted)
    return seen


@pytest.mark.parametrize("levels", [40, 90])
def test_many_effects_are_not_analysed_and_the_report_says_so(levels, widths):
    about = pylme.explain(FORMULA, _data(20, levels))
    assert about.n_parameters == levels * (levels + 1) // 2
    assert about.rank is None
    assert max(widths, default=0) <= MOST_PARAMETERS + 1
    assert "not determined" in str(about)
    assert about.to_frame("parameters")["identified"].isna().all()
    found = about.identifiability
    assert found is not None
    assert found.identified is None
    assert not found.directions


def test_pairs_that_no_level_has_are_counted():
    data = _data(20, 90)
    found = pylme.design(FORMULA, data).identifiability()
    here = pd.crosstab(data["a"], data["s"]).to_numpy() > 0
    # The column of s0 is the intercept, which every group has.
    apart = sum(not (here[:, i] & here[:, j]).any() for i in range(1, 90) for j in range(1, i))
    assert f"{apart:,} covariances" in found.undetermined


def test_a_dozen_effects_are_analysed_within_bounds(widths):
    about = pylme.explain(FORMULA, _data(20, 12))
    assert about.rank == about.n_parameters == 78
    # The cost is that of singular values, of matrices not wider than two models together.
    assert sum(width**3 for width in widths) < 3e7


def test_what_lmer_refuses_is_refused_at_once_where_it_is_large(widths):
    with pytest.raises(GroupingFactorError, match="random effects for"):
        pylme.explain(FORMULA, _data(60, 300))
    assert not widths


def test_large_models_are_not_compared():
    data = _data(20, 40)
    first, second = (pylme.design(f, data) for f in (FORMULA, "y ~ t + (1 | a)"))
    compared = compare_covariances(first, second)
    assert compared.ranks is None
    assert not compared.same_combinations
    assert "too many" in str(compared)
    table = pylme.compare_formulas(FORMULA, "y ~ t + (1 | a)", data=data)
    assert table.relation("A", "B") == table.relation("B", "A") == "not determined"
    assert table.to_frame()["rank"].isna().tolist() == [True, False]
