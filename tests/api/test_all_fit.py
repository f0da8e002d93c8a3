"""lme4's optimisers one after the other, compared with the certified optimum."""

import pytest

import pylme
from pylme.errors import OptionError

pytestmark = pytest.mark.needs_r


def test_each_optimiser_by_its_distance_to_the_optimum():
    sleepstudy = pylme.datasets.load("sleepstudy")
    fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy")
    found = pylme.all_fit(fit)
    assert found.optimum == pytest.approx(fit.criterion, abs=1e-9)
    assert found.optimum_of == "the NumPy engine"
    table = found.to_frame()
    assert set(table["optimizer"]) == {
        "nloptwrap.BOBYQA", "nloptwrap.NELDERMEAD", "bobyqa", "Nelder_Mead", "nlminbwrap",
    }  # fmt: skip
    assert (table["above_optimum"] > -1e-7).all()
    assert (table["above_optimum"] < 1e-4).all()
    assert table["above_optimum"].is_monotonic_increasing
    assert not found.errors
    assert found.fits["bobyqa"].optinfo.optimizer == "bobyqa"
    assert "the NumPy engine" in repr(found)


def test_a_generalized_model():
    cbpp = pylme.datasets.load("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    fit = pylme.glmer(formula, cbpp, family="binomial", engine="lme4")
    found = pylme.all_fit(fit)
    assert found.optimum <= fit.criterion + 1e-6
    assert (found.to_frame()["above_optimum"] < 0.01).all()


def test_what_is_no_fit():
    with pytest.raises(OptionError, match="fitted model"):
        pylme.all_fit("y ~ x")
