"""engine="numpy" takes lmer's arguments, refuses what lme4's engine refuses, and needs no R."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import (
    ColumnValueError,
    DataError,
    FormulaError,
    GroupingFactorError,
    MissingRowsWarning,
    MissingValueError,
    NotAvailableError,
    OptionError,
    RankDeficiencyWarning,
    ResponseError,
)
from tests.lme4.test_arguments import WRONG

SLEEP = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture
def sleepstudy():
    return pylme.datasets.load("sleepstudy")


def lmer(formula, data, **arguments):
    return pylme.lmer(formula, data, engine="numpy", **arguments)


def test_without_r():
    """In a process where rpy2 cannot be imported."""
    code = (
        "import sys; sys.modules['rpy2'] = None; import pylme;"
        "data = pylme.datasets.load('sleepstudy');"
        f"fit = pylme.lmer({SLEEP!r}, data, engine='numpy');"
        "print(round(fit.criterion, 4), fit.engine);"
        "str(fit.summary()); fit.convergence.explain(); fit.augment(); fit.tidy(); fit.to_json();"
        "fit.ranef_var['Subject']; fit.varcorr_table; fit.getme('L');"
        "print('pylme.lme4.session' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["1743.6283", "numpy", "False"], done.stderr


@pytest.mark.parametrize("given", ["name", "array", "series", "list"])
def test_weights_and_offset(sleepstudy, given):
    data = sleepstudy.assign(w=1.0 + sleepstudy["Days"] % 3, o=2.0 * sleepstudy["Days"])
    weights, offset = {
        "name": ("w", "o"),
        "array": (data["w"].to_numpy(), data["o"].to_numpy()),
        "series": (data["w"], data["o"]),
        "list": (list(data["w"]), list(data["o"])),
    }[given]
    fit = lmer(SLEEP, data, weights=weights, offset=offset)
    base = lmer(SLEEP, data, weights="w")
    assert fit.criterion == pytest.approx(base.criterion, rel=1e-10)
    assert base.fixef["Days"] - fit.fixef["Days"] == pytest.approx(2.0, rel=1e-6)


def test_subset_and_rows(sleepstudy):
    data = sleepstudy.sample(frac=1.0, random_state=2).assign(late=lambda d: d["Days"] > 2)
    fit = lmer(SLEEP, data, subset="late")
    assert fit.nobs == data["late"].sum()
    assert fit.fitted.index.equals(data.index)
    assert (fit.fitted.notna() == data["late"]).all()
    np.testing.assert_allclose(
        (fit.fitted + fit.residuals)[data["late"]], data["Reaction"][data["late"]]
    )


def test_missing_values(sleepstudy):
    sleepstudy.loc[[5, 17], "Reaction"] = np.nan
    with pytest.warns(MissingRowsWarning, match=r"'Reaction' \(2\)"):
        fit = lmer(SLEEP, sleepstudy)
    assert fit.fitted.index[fit.fitted.isna()].tolist() == [5, 17]
    with pytest.raises(MissingValueError):
        lmer(SLEEP, sleepstudy, na_action="fail")


def test_rows_lost_in_a_transformation(sleepstudy):
    data = sleepstudy.assign(x=sleepstudy["Days"] - 0.5)
    with pytest.warns(MissingRowsWarning, match="18 of 180 rows"):
        fit = lmer("Reaction ~ log(x) + (1 | Subject)", data)
    assert (fit.fitted.isna() == (data["x"] < 0)).all()
    assert len(fit.augment()) == fit.nobs == 162
    with pytest.raises(MissingValueError):
        lmer("Reaction ~ log(x) + (1 | Subject)", data, na_action="fail")


def test_dropped_columns_are_told_once_and_kept(sleepstudy):
    with pytest.warns(RankDeficiencyWarning) as seen:
        fit = lmer("Reaction ~ Days + I(2 * Days) + (Days | Subject)", sleepstudy)
    assert len(seen) == 1
    assert [c.message for c in fit.conditions] == [str(seen[0].message)]
    assert "I(2 * Days)" in fit.conditions[0].message
    assert fit.fixef.index.tolist() == ["(Intercept)", "Days"]
    assert "rank deficient so dropping 1 column / coefficient" in str(fit.summary())


def test_start(sleepstudy):
    base = lmer(SLEEP, sleepstudy)
    for start in ([0.5, 0.1, 0.2], {"theta": [0.5, 0.1, 0.2]}, base.theta, (0, 0, 0)):
        fit = lmer(SLEEP, sleepstudy, start=start)
        assert fit.criterion == pytest.approx(base.criterion, rel=1e-10)
    trace = lmer(SLEEP, sleepstudy, start=[0.5, 0.1, 0.2]).optinfo.trace
    np.testing.assert_allclose(trace.theta[0], [0.5, 0.1, 0.2])
    assert len(lmer(SLEEP, sleepstudy, start=base.theta).optinfo.trace) == 1


def test_the_trace(sleepstudy):
    fit = lmer(SLEEP, sleepstudy)
    frame = fit.optinfo.trace.to_frame()
    assert frame.columns.tolist() == ["criterion", "accepted", "theta1", "theta2", "theta3"]
    assert frame.index.tolist() == list(range(1, fit.optinfo.feval + 1))
    devfun = fit.getme("devfun")
    for row in frame.itertuples():
        assert devfun([row.theta1, row.theta2, row.theta3]) == pytest.approx(row.criterion)
    assert (frame["criterion"].diff().iloc[1:][frame["accepted"].iloc[1:]] <= 1e-9).all()
    assert frame["criterion"].iloc[-1] == pytest.approx(fit.criterion)


def test_the_record_of_the_search(sleepstudy):
    info = lmer(SLEEP, sleepstudy).optinfo
    assert (info.optimizer, info.conv_opt, info.checks) == ("trust-region Newton", 0, None)
    assert (info.messages, info.codes, info.warnings) == ((), (), ())
    assert info.control["max_evaluations"] == 200
    assert "lme4" not in str(info)
    assert "certificate" in str(info)
    assert np.abs(info.gradient).max() < 1e-3
    assert (np.linalg.eigvalsh(info.hessian) > 0).all()


REFUSED = {
    "a control": ({"control": pylme.LmerControl()}, OptionError, "for lme4"),
    "too few starting values": ({"start": [1.0]}, OptionError, "3 numbers"),
    "starting values of fixed effects": (
        {"start": {"theta": [1, 0, 1], "fixef": [1, 2]}}, OptionError, "theta alone"
    ),
    "a start out of reach": ({"start": [1e9, 0, 1]}, OptionError, "million"),
    "a function of R's": (
        {"formula": "Reaction ~ cut(Days, 3) + (1 | Subject)"}, NotAvailableError, "without R"
    ),
    "the response on the right": (
        {"formula": "Reaction ~ Reaction + (1 | Subject)"}, FormulaError, "right side"
    ),
    "effects that were not counted": (
        {"formula": "Reaction ~ Days + (poly(Days, 9) | Subject)"},
        GroupingFactorError,
        "180 random effects",
    ),
    "a response without residual": (
        {"formula": "I(2 * Days) ~ Days + (1 | Subject)"}, ResponseError, "without any residual"
    ),
    "zeros": ({"formula": "I(0 * Days) ~ Days + (1 | Subject)"}, ResponseError, "residual"),
    "a huge response": (
        {"formula": "I(1e100 * Reaction) ~ Days + (1 | Subject)"}, ColumnValueError, "Rescale"
    ),
    "a tiny response": (
        {"formula": "I(1e-100 * Reaction) ~ Days + (1 | Subject)"}, ColumnValueError, "Rescale"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(sleepstudy, case):
    arguments, error, words = REFUSED[case]
    arguments = dict(arguments)
    with pytest.raises(error, match=words):
        lmer(arguments.pop("formula", SLEEP), sleepstudy, **arguments)


@pytest.mark.parametrize("case", [case for case in WRONG if case != "engine"])
def test_what_lme4s_engine_refuses_is_refused_in_the_same_words(sleepstudy, case):
    arguments, error, words = WRONG[case]
    arguments = dict(arguments)
    data = sleepstudy.assign(**arguments.pop("data", {}))
    with pytest.raises(error, match=words):
        lmer(arguments.pop("formula", SLEEP), data, **arguments)


def test_more_columns_than_rows_leave_nothing_to_fit():
    data = pd.DataFrame({"y": [1.0, 2, 3.5], "a": [1.0, 0, 0], "b": [0, 1.0, 0], "g": list("aab")})
    with pytest.raises(DataError, match="residual"):
        lmer("y ~ a + b + (1 | g)", data)


def test_generalized_models_too():
    cbpp = pylme.datasets.load("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    assert pylme.glmer(formula, cbpp, engine="numpy").engine == "numpy"
    with pytest.raises(OptionError, match="'numpy'"):
        pylme.glmer(formula, cbpp, engine="numpi")
