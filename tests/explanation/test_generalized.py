"""Generalized models explained: family, link, what counts as a success, what can be seen."""

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import OptionError, ResponseError


@pytest.fixture(scope="module")
def cattle():
    return pylme.datasets.load("cbpp").assign(
        obs=lambda d: np.arange(len(d)), share=lambda d: d["incidence"] / d["size"]
    )


def test_counts_of_successes_and_failures(cattle):
    about = pylme.explain(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)", cattle, family="binomial"
    )
    text = str(about)
    assert "logit" in text
    assert "the share of incidence" in text
    assert "σ²" not in text
    assert about.conditional is not None
    assert (about.conditional.family, about.conditional.link) == ("binomial", "logit")
    assert about.to_dict()["family"] == "binomial"


def test_proportions_take_the_trials_as_weights(cattle):
    formula = "share ~ period + (1 | herd) + (1 | obs)"
    about = pylme.explain(formula, cattle, family="binomial", weights="size")
    # A variance of single rows can be told: no residual variance stands beside it.
    assert about.rank == about.n_parameters == 2
    linear = pylme.explain("share ~ period + (1 | herd) + (1 | obs)", cattle)
    assert linear.rank == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["no", "yes"], "is 'yes'"),
        ([False, True], "is True"),
        ([0, 1], "is 1"),
    ],
)
def test_the_value_that_counts_as_a_success_is_named(values, said):
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"g": np.repeat(np.arange(10), 20), "x": rng.normal(size=200)})
    data["y"] = np.array(values)[rng.integers(0, 2, 200)]
    about = pylme.explain("y ~ x + (1 | g)", data, family="binomial")
    assert said in str(about)
    assert about.expectations == ()


def test_separation_is_foreseen():
    x = np.tile(np.linspace(0, 1, 20), 10)
    data = pd.DataFrame({"g": np.repeat(np.arange(10), 20), "x": x, "y": (x > 0.5).astype(int)})
    about = pylme.explain("y ~ x + (1 | g)", data, family="binomial")
    assert "separate the response" in about.expectations[0]
    counts = pylme.explain("y ~ x + (1 | g)", data, family="poisson")
    assert counts.conditional is not None
    assert counts.conditional.link == "log"


def test_a_variance_of_single_zeros_and_ones_is_said_to_be_unseen():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"row": np.arange(100), "y": rng.integers(0, 2, 100)})
    about = pylme.explain("y ~ 1 + (1 | row)", data, family="binomial")
    assert any("single zero or one" in each for each in about.expectations)


def test_latex_has_the_link_and_no_residual(cattle):
    formula = "incidence ~ period + (1 | herd)"
    latex = pylme.explain(formula, cattle, family="poisson").to_latex()
    assert r"\text{log}(\mu_i) = \eta_i" in latex
    assert "varepsilon" not in latex
    assert "varepsilon" in pylme.explain(formula, cattle).to_latex()


def test_formulas_are_compared_by_their_linear_predictors(cattle):
    found = pylme.compare_formulas(
        "incidence ~ period + (1 | herd)",
        "incidence ~ period + (1 | herd) + (1 | obs)",
        data=cattle,
        family="poisson",
    )
    assert found.relation("A", "B") == "special case"
    assert found.to_frame()["rank"].tolist() == [1, 2]


def test_designs_take_a_family(cattle):
    design = pylme.design(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)", cattle, family="binomial"
    )
    assert design.y.shape == (56, 2)
    assert design.identifiability().rank == 1
    with pytest.raises(ResponseError):
        pylme.design("cbind(incidence, size - incidence) ~ period + (1 | herd)", cattle)


def test_options_are_checked(cattle):
    with pytest.raises(OptionError):
        pylme.explain("incidence ~ period + (1 | herd)", cattle, family="poissonian")
    with pytest.raises(OptionError):
        pylme.explain("incidence ~ period + (1 | herd)", cattle, family="poisson", link="logit")
