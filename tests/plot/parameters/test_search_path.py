from __future__ import annotations

import warnings

import numpy as np
import pytest

import pylme
from pylme import plot
from pylme.errors import NotAvailableError, OptionError
from tests.native import native
from tests.plot.fits import by_sector, sleepstudy


def names_of_theta(fit):
    return fit.varcorr.theta_names


@pytest.mark.needs_r
@pytest.mark.parametrize(
    ("data", "formula"),
    [
        ("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
        ("sleepstudy", "Reaction ~ Days + (Days || Subject)"),
        ("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)"),
        ("pastes", "strength ~ 1 + (1 | batch/cask)"),
        ("cake", "angle ~ temp + (0 + recipe | replicate)"),
    ],
)
def test_the_elements_of_theta_have_lme4s_names(data, formula):
    in_r = {"penicillin": "Penicillin", "pastes": "Pastes"}.get(data, data)
    with warnings.catch_warnings():
        # What is estimated to be singular has names too.
        warnings.simplefilter("ignore", pylme.errors.PylmeWarning)
        fit = pylme.lmer(formula, pylme.datasets.load(data), engine="numpy")
    theirs = native(f"names(getME(lmer({formula}, {in_r}), 'theta'))")
    assert names_of_theta(fit) == (theirs if isinstance(theirs, tuple) else (theirs,))


def test_the_way_ends_at_the_fit():
    fit = sleepstudy()
    data = plot.convergence_data(fit)
    assert list(data.columns[:3]) == ["criterion", "excess", "accepted"]
    assert len(data) == fit.optinfo.feval
    assert data["excess"].min() == 0.0
    assert data["criterion"].min() == pytest.approx(fit.criterion)
    last = data[data["accepted"]].iloc[-1]
    np.testing.assert_allclose(last[list(names_of_theta(fit))].astype(float), fit.theta, rtol=1e-4)


def test_every_evaluation_is_drawn_and_those_taken_back_are_hollow():
    fit = by_sector()
    data = plot.convergence_data(fit)
    criterion = plot.convergence(fit)
    assert criterion.get_yscale() == "log"
    kept, back = criterion.lines
    assert len(kept.get_xdata()) == data["accepted"].sum()
    assert len(back.get_xdata()) == (~data["accepted"]).sum()
    assert back.get_markerfacecolor() == "none"
    theta = plot.convergence(fit, "theta")
    names = [text.get_text() for text in theta.get_legend().get_texts()]
    assert names == list(names_of_theta(fit))


@pytest.mark.needs_r
def test_lme4_keeps_no_trace():
    with pytest.raises(NotAvailableError, match='engine="numpy"'):
        plot.convergence(sleepstudy("lme4"))


def test_another_quantity_is_refused():
    with pytest.raises(OptionError, match="'criterion'"):
        plot.convergence(sleepstudy(), "deviance")
