from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme import plot
from pylme.errors import NotAvailableError, NotIdentifiedWarning, OptionError, UnknownNameError
from tests.native import native
from tests.plot.fits import COMBINED, by_sector, dyestuff, hsb, sleepstudy, two_sectors
from tests.tolerances import SAME_THETA

#: The criterion at a matrix of standard deviations and correlations, in R.
IN_R = """
devfun <- lmer(Reaction ~ Days + (Days | Subject), sleepstudy, devFunOnly = TRUE)
sapply(c({values}), function(x) {{
  sd <- c({sd}); r <- {r}
  Sigma <- matrix(c(sd[1]^2, r * sd[1] * sd[2], r * sd[1] * sd[2], sd[2]^2), 2) / {sigma}^2
  devfun(t(chol(Sigma))[c(1, 2, 4)])
}})
"""


@dataclass
class Together:
    """Covariances that change together."""

    names: tuple[str, ...]
    weights: tuple[float, ...]


def in_r(fit, values, sd, r):
    code = IN_R.format(values=", ".join(map(repr, values.tolist())), sd=sd, r=r, sigma=fit.sigma)
    return native(code)


@pytest.mark.needs_r
@pytest.mark.parametrize("engine", ["lme4", "numpy"])
def test_along_a_standard_deviation_it_is_lme4s_criterion(engine):
    fit = sleepstudy(engine)
    data = plot.profile_criterion_data(fit, ("Subject", "Days"), points=5)
    term = fit.varcorr.terms[0]
    theirs = in_r(fit, data["value"], f"{float(term.sd[0])!r}, x", repr(float(term.corr[0, 1])))
    np.testing.assert_allclose(data["criterion"], theirs, rtol=SAME_THETA)


@pytest.mark.needs_r
def test_along_a_correlation_it_is_lme4s_criterion():
    fit = sleepstudy()
    along = ("Subject", "(Intercept)", "Days")
    data = plot.profile_criterion_data(fit, along, span=(-0.9, 0.9), points=7)
    theirs = in_r(fit, data["value"], ", ".join(map(repr, fit.varcorr.terms[0].sd.tolist())), "x")
    np.testing.assert_allclose(data["criterion"], theirs, rtol=SAME_THETA)


@pytest.mark.needs_r
def test_along_theta_it_is_lme4s_criterion():
    fit = sleepstudy()
    by_name = plot.profile_criterion_data(fit, "Subject.Days", points=5)
    theta = [float(value) for value in fit.theta]
    code = f"""
    devfun <- lmer(Reaction ~ Days + (Days | Subject), sleepstudy, devFunOnly = TRUE)
    sapply(c({", ".join(map(repr, by_name["value"].tolist()))}),
           function(x) devfun(c({theta[0]!r}, {theta[1]!r}, x)))"""
    np.testing.assert_allclose(by_name["criterion"], native(code), rtol=SAME_THETA)
    step = (by_name["value"].iloc[0] - theta[2], by_name["value"].iloc[-1] - theta[2])
    by_direction = plot.profile_criterion_data(fit, [0, 0, 1.0], span=step, points=5)
    np.testing.assert_allclose(by_direction["criterion"], by_name["criterion"], rtol=SAME_THETA)


def test_of_a_balanced_one_way_layout_it_has_a_closed_form():
    fit = dyestuff()
    data = plot.profile_criterion_data(fit, ("Batch", "(Intercept)"), points=9)
    batches = pylme.datasets.load("dyestuff").groupby("Batch", observed=True)["Yield"]
    within = float(
        ((batches.transform("mean") - pylme.datasets.load("dyestuff")["Yield"]) ** 2).sum()
    )
    between = float(5 * ((batches.mean() - batches.mean().mean()) ** 2).sum())
    ratio = 1 + 5 * (data["value"] / fit.sigma) ** 2
    r2 = within + between / ratio
    # log|A| + log|XᵀV⁻¹X| + ν(1 + log(2π r²/ν)), ν = 29.
    closed = 6 * np.log(ratio) + np.log(30 / ratio) + 29 * (1 + np.log(2 * np.pi * r2 / 29))
    np.testing.assert_allclose(data["criterion"], closed, rtol=SAME_THETA)


def test_it_goes_on_until_the_criterion_has_risen_enough():
    data = plot.profile_criterion_data(sleepstudy(), ("Subject", "Days"))
    assert len(data) == 101
    for end in (0, -1):
        assert 9.5 < data["excess"].iloc[end] <= 10.0
    assert data["excess"].min() == pytest.approx(0.0, abs=1e-2)
    np.testing.assert_allclose(data["criterion"] - data["excess"], sleepstudy().criterion)


ALONG_THE_UNSEEN = (
    ("school", "x:sectora", "x:sectorb"),
    Together(("cov(x:sectora, x:sectorb | school)",), (1.0,)),
    Together(("cov(x:sectora, x:sectorb | school)",), (-1.0,)),
)


@pytest.mark.parametrize("along", ALONG_THE_UNSEEN, ids=["correlation", "covariance", "negative"])
def test_what_the_data_do_not_see_is_flat_to_the_ends(along):
    fit = by_sector()
    data = plot.profile_criterion_data(fit, along)
    assert data["excess"].abs().max() < 1e-7
    # The third correlation of a 3 by 3 matrix lies where its determinant is not negative.
    corr = fit.varcorr["school"].corr.to_numpy()
    middle, half = corr[0, 1] * corr[0, 2], np.sqrt(np.prod(1 - corr[0, 1:] ** 2))
    ends = np.array([middle - half, middle + half])
    if not isinstance(along, tuple):
        ends *= fit.varcorr["school"].sd.iloc[1:].prod()
    np.testing.assert_allclose(data["value"].iloc[[0, -1]], ends, rtol=1e-6)


def test_directions_of_identifiability_are_followed():
    (unseen,) = pylme.design(COMBINED, two_sectors()).identifiability().directions
    data = plot.profile_criterion_data(by_sector(), unseen)
    assert data["excess"].abs().max() < 1e-7


def test_flat_is_drawn_flat():
    axes = plot.profile_criterion(by_sector(), ALONG_THE_UNSEEN[0])
    bottom, top = axes.get_ylim()
    assert bottom < 0
    assert top > 3.84
    assert axes.get_title().startswith("Flat: changes by at most ")
    assert plot.profile_criterion(dyestuff(), "Batch.(Intercept)").get_title() == ""


def test_a_variance_is_the_square_of_its_standard_deviation():
    fit = sleepstudy(formula="Reaction ~ Days + (Days || Subject)")
    of_sd = plot.profile_criterion_data(fit, ("Subject.1", "Days"), span=(3.0, 9.0), points=2 + 1)
    variance = Together(("var(Days | Subject.1)",), (1.0,))
    for row in of_sd.itertuples():
        span = (row.value**2 - 1e-3, row.value**2 + 1e-3)
        middle = plot.profile_criterion_data(fit, variance, span=span, points=3).iloc[1]
        assert middle["criterion"] == pytest.approx(row.criterion, rel=SAME_THETA)


def test_several_covariances_change_at_their_weights():
    fit = sleepstudy()
    along = Together(
        ("var((Intercept) | Subject)", "cov((Intercept), Days | Subject)", "sigma^2"),
        (2.0, 1.0, -1.0),
    )
    data = plot.profile_criterion_data(fit, along, span=(0.0, 5.0), points=3)
    cov = fit.varcorr["Subject"].cov.to_numpy() + 5.0 * np.array([[2.0, 1.0], [1.0, 0.0]])
    theta = np.linalg.cholesky(cov / fit.sigma**2)[[0, 1, 1], [0, 0, 1]]
    assert data["criterion"].iloc[-1] == pytest.approx(fit.getme("devfun")(theta), rel=SAME_THETA)


def test_a_zero_variance_can_grow():
    with pytest.warns(pylme.errors.SingularFitWarning):
        fit = pylme.lmer(
            "Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff2"), engine="numpy"
        )
    for along in ("Batch.(Intercept)", ("Batch", "(Intercept)")):
        data = plot.profile_criterion_data(fit, along)
        assert data["value"].iloc[0] == 0.0
        assert data["excess"].is_monotonic_increasing


def test_what_cannot_be_followed_is_refused():
    fit = sleepstudy()
    for along in ("Subject.days", ("subject", "Days"), ("Subject", "days")):
        with pytest.raises(UnknownNameError, match="Did you mean"):
            plot.profile_criterion_data(fit, along)
    with pytest.raises(UnknownNameError, match=r"var\(Days"):
        plot.profile_criterion_data(fit, Together(("var(days | Subject)",), (1.0,)))
    for along in ([0, 0, 0], [1.0], object(), ("Subject",), ("Subject", "Days", "Days")):
        with pytest.raises(OptionError, match="along"):
            plot.profile_criterion_data(fit, along)
    with pytest.raises(OptionError, match="along"):
        plot.profile_criterion_data(fit, Together(("sigma^2",), (1.0,)))
    for span in ((2.0, 1.0), (-1.0, 1.0), 3.0):
        with pytest.raises(OptionError, match="two ascending numbers from 0"):
            plot.profile_criterion_data(fit, ("Subject", "Days"), span=span)
    with pytest.raises(OptionError, match="a whole number from 3"):
        plot.profile_criterion_data(fit, "Subject.Days", points=2)


def test_a_singular_fit_may_leave_no_room():
    fit = hsb("math ~ ses*sector + (ses:sector | sch.id)")
    with pytest.raises(NotAvailableError, match="cannot change with the others fixed"):
        plot.profile_criterion(fit, ("sch.id", "ses:sectorPublic", "ses:sectorCatholic"))


@pytest.mark.needs_r
def test_a_generalized_model_has_no_such_picture():
    fit = pylme.glmer(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)", pylme.datasets.load("cbpp")
    )
    with pytest.raises(NotAvailableError, match="linear mixed models"):
        plot.profile_criterion(fit, "herd.(Intercept)")


def test_a_fit_from_json_has_no_criterion_to_evaluate():
    with pytest.raises(NotAvailableError):
        plot.profile_criterion(pylme.from_json(sleepstudy().to_json()), "Subject.Days")


def test_the_directions_of_repeated_blocks_of_an_interaction_are_drawn_flat():
    rng = np.random.default_rng(5)
    data = pd.DataFrame(
        {"a": np.repeat(list("pqrs"), 30), "b": np.tile(np.repeat(list("tuv"), 10), 4)}
    )
    data["x"], data["z"] = rng.normal(size=(2, 120))
    cell = np.arange(120) // 10
    own, slope = rng.normal(size=(2, 12))
    data["y"] = data["x"] + own[cell] + slope[cell] * data["z"] + rng.normal(size=120)
    formula = "y ~ x + (1 | a:b) + (0 + z | a:b) + (1 | a:b)"
    with pytest.warns(NotIdentifiedWarning):
        fit = pylme.lmer(formula, data, engine="numpy")
    (direction,) = pylme.design(formula, data).identifiability().directions
    assert direction.names == ("var((Intercept) | a.b)", "var((Intercept) | a.b.2)")
    assert {term.label for term in fit.varcorr.terms} == {"a.b", "a.b.1", "a.b.2"}
    ax = plot.profile_criterion(fit, direction, points=5)
    assert ax.get_title().startswith("Flat")
