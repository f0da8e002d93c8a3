"""Volcano plots and the distribution of p-values of many responses."""

from functools import cache

import numpy as np
import pytest

import pylme
from pylme import plot
from pylme.errors import OptionError, UnknownNameError

SLEEP = pylme.datasets.load("sleepstudy")


@cache
def many():
    """Sixty responses; Days has an effect on the first twenty, and one cannot be fitted."""
    rng = np.random.default_rng(0)
    Y = rng.standard_normal((180, 60))
    Y[:, :20] += SLEEP["Days"].to_numpy()[:, None]
    Y[:, 40] = 1.0
    return pylme.lmer_many("~ Days + (1 | Subject)", SLEEP, Y)


def test_a_volcano_has_what_the_table_has():
    data = plot.volcano_data(many(), "Days", level=0.01)
    table = many().to_frame()
    table = table[(table["term"] == "Days") & table["p_value"].notna()].reset_index(drop=True)
    assert len(data) == 59
    for column in ("response", "estimate", "p_value", "p_adjusted"):
        assert data[column].tolist() == table[column].tolist()
    np.testing.assert_allclose(data["minus_log10_p"], -np.log10(table["p_value"]))
    assert data["found"].tolist() == (table["p_adjusted"] < 0.01).tolist()
    assert "20 of 59" in plot.volcano(many(), "Days", level=0.01).get_title()


def test_p_values_are_counted():
    data = plot.p_values_data(many(), "Days", bins=10)
    assert data["count"].sum() == 59
    assert data["count"][0] >= 20
    assert (data["expected"] == 5.9).all()
    assert len(plot.p_values(many(), "Days", bins=10).patches) == 10


@pytest.mark.parametrize("draw", [plot.volcano, plot.p_values])
def test_other_arguments_are_refused(draw):
    with pytest.raises(UnknownNameError, match="Days"):
        draw(many(), "Dayz")
    with pytest.raises(OptionError, match="lmer_many"):
        draw(SLEEP, "Days")
    with pytest.raises(OptionError):
        draw(many(), "Days", **({"level": 2} if draw is plot.volcano else {"bins": 0}))
