"""Power, against closed forms of balanced designs, and sizes of tests under the null hypothesis."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

import pylme
from pylme.errors import FormulaError, OptionError, UnknownNameError

pytestmark = pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")

SLOPES = "y ~ x + (x | g)"
INTERCEPTS = "y ~ x + (1 | g)"


def design(groups, *, slope=0.0, sd=1.0, formula=INTERCEPTS):
    grid = pylme.expand_grid(g=range(groups), x=[-2, -1, 0, 1, 2])
    return pylme.simulator(formula, grid, beta=[0, slope], sigma=1, covariances={"sd": sd})


def one_way(J, m, tau, **options):
    grid = pylme.expand_grid(unit=range(m), g=range(J))
    return pylme.simulator(
        "y ~ 1 + (1 | g)", grid, beta=0, sigma=1, covariances={"sd": tau}, **options
    )


def line_of(found):
    (line,) = found.table.to_dict("records")
    return line


def test_of_a_slope_in_a_balanced_design():
    """x varies within groups alone: its standard error is sigma / sqrt(sum x²), z with 119 df."""
    found = pylme.power(design(30, slope=0.15), INTERCEPTS, test="x", n=2000, seed=1)
    z = 0.15 * np.sqrt(30 * 10)
    exact = stats.norm.sf(1.96 - z) + stats.norm.cdf(-1.96 - z)
    line = line_of(found)
    assert abs(line["power"] - exact) < 4 * line["std_error"] + 0.005
    assert line["conf_low"] < line["power"] < line["conf_high"]
    assert (line["n"], line["failed"]) == (2000, 0)
    assert found.test == "Wald test of x"
    assert "Power at level 0.05: Wald test of x" in str(found)
    assert repr(found) == "<Power: Wald test of x, 1 designs>"


@pytest.mark.parametrize(("df", "n"), [(9, 1200), (None, 1200)])
def test_of_a_random_slope_by_the_noncentral_t(df, n):
    """The means of balanced groups are regressed on x each: their slopes' t has J - 1 = 9 df.

    Slopes that vary much, so that no fit is singular and REML's standard error is theirs.
    """
    J, beta, sd = 10, 1.5, 2.0
    simulator = design(J, slope=beta, sd=[3, sd], formula=SLOPES)
    found = pylme.power(simulator, SLOPES, test="x", df=df, n=n, seed=3)
    critical = stats.norm.ppf(0.975) if df is None else stats.t.ppf(0.975, df)
    t = stats.nct(J - 1, beta / np.sqrt((sd**2 + 1 / 10) / J))
    line = line_of(found)
    assert abs(line["power"] - (t.sf(critical) + t.cdf(-critical))) < 4 * line["std_error"]
    assert found.test == "Wald test of x" + (" against t with 9 degrees of freedom" if df else "")


def ratio_of(F, J, m):
    """REML's likelihood ratio against no groups, by MSB / MSW alone: 0 where that is below 1."""
    n, F = J * m, np.maximum(F, 1.0)
    return (n - 1) * np.log(((J - 1) * F + n - J) / (n - 1)) - (J - 1) * np.log(F)


def exact_rate(J, m, tau, critical):
    """How often it is beyond a critical value: MSB / MSW is a multiple of F."""
    beyond = optimize.brentq(lambda F: ratio_of(F, J, m) - critical, 1.0 + 1e-9, 1000.0)
    return stats.f.sf(beyond / (1 + m * tau**2), J - 1, J * (m - 1))


@pytest.mark.parametrize("tau", [0.0, 0.4])
def test_of_a_variance_against_no_random_effects_in_closed_form(tau):
    J, m = 12, 4
    found = pylme.power(
        one_way(J, m, tau), "y ~ 1 + (1 | g)", null="y ~ 1", n=4000, seed=int(10 * tau)
    )
    assert found.test == "likelihood ratio test against ½ χ²(0) + ½ χ²(1)"
    line = line_of(found)
    exact = exact_rate(J, m, tau, stats.chi2.ppf(0.9, 1))
    assert abs(line["power"] - exact) < 4 * np.sqrt(exact * (1 - exact) / 4000)
    if tau:
        F = stats.f(J - 1, J * (m - 1), scale=1 + m * tau**2)
        t = found.statistics["one"]
        for place in (0.5, 0.8):
            beyond = ratio_of(F.ppf(place), J, m)
            assert abs((t <= beyond).mean() - place) < 4 * np.sqrt(place * (1 - place) / 4000)


def test_a_simulated_null_has_its_level_where_the_mixture_has_not():
    """In closed form: with four groups of 20 the mixture rejects in 3 %, simulation in 5 %."""
    J, m, n = 4, 20, 2000
    found = pylme.power(
        one_way(J, m, 0.2), "y ~ 1 + (1 | g)", null="y ~ 1", reference="simulated", n=n, seed=7
    )
    assert found.test == f"likelihood ratio test against {n} draws under the null hypothesis"
    critical = ratio_of(stats.f.ppf(0.95, J - 1, J * (m - 1)), J, m)
    assert exact_rate(J, m, 0.0, stats.chi2.ppf(0.9, 1)) < 0.032
    exact = exact_rate(J, m, 0.2, critical)
    # The critical value is drawn too: at it the null is rejected in 5 %, to within an error.
    falls = [exact_rate(J, m, tau, critical * 0.99) for tau in (0.0, 0.2)]
    slope = (falls[1] - exact) / (falls[0] - 0.05)
    error = np.hypot(np.sqrt(exact * (1 - exact) / n), slope * np.sqrt(0.05 * 0.95 / n))
    assert abs(line_of(found)["power"] - exact) < 4 * error


def test_simulated_nulls_of_other_tests():
    """Under the null itself the rate is the level, whatever is tested."""
    simulator = design(8, sd=[1, 0], formula=SLOPES)
    for asked in ({"test": "x"}, {"null": "y ~ x + (1 | g)"}, {"null": "y ~ 1 + (x | g)"},
                  {"null": "y ~ x + (x || g)"}):  # fmt: skip
        found = pylme.power(simulator, SLOPES, reference="simulated", n=600, seed=5, **asked)
        error = np.sqrt(2 * 0.05 * 0.95 / 600)
        assert abs(line_of(found)["power"] - 0.05) < 4 * error, asked


def test_the_size_of_a_likelihood_ratio_test_of_a_slope_is_its_level():
    found = pylme.power(design(40), INTERCEPTS, null="y ~ 1 + (1 | g)", n=2000, seed=2)
    assert found.test == "likelihood ratio test against χ²(1)"
    line = line_of(found)
    assert abs(line["power"] - 0.05) < 4 * line["std_error"] + 0.005


def test_the_size_of_a_test_of_a_random_slope_is_near_its_level():
    """The mixture holds for many groups; the naive χ²(2) would reject in less than 3 %."""
    found = pylme.power(design(60), SLOPES, null=INTERCEPTS, n=1500, seed=3)
    assert found.test == "likelihood ratio test against ½ χ²(1) + ½ χ²(2)"
    assert 0.03 < line_of(found)["power"] < 0.065


def test_the_statistic_is_the_fall_of_the_criterion():
    simulator = design(12, slope=0.2)
    drawn = simulator.draw(3, seed=6)
    for null, reml in (
        ("y ~ 1 + (1 | g)", False), ("y ~ x + (1 | g)", True), ("y ~ I(3 * x) + (1 | g)", False),
    ):  # fmt: skip
        found = pylme.power(simulator, SLOPES, null=null, n=3, seed=6)
        for i in range(3):
            criteria = [
                pylme.lmer(formula, drawn.to_frame(i), reml=reml, engine="numpy").criterion
                for formula in (null, SLOPES)
            ]
            fall = max(criteria[0] - criteria[1], 0)
            assert found.statistics["one"][i] == pytest.approx(fall, abs=1e-6)


@pytest.mark.needs_r
def test_without_random_effects_the_statistic_is_that_of_r():
    """R's lm, with weights, an offset and REML or not."""
    from tests.native import native

    grid = pylme.expand_grid(x=range(4), g=range(6)).assign(w=lambda d: 1.0 + d["x"])
    grid["off"] = grid["g"] / 10
    simulator = pylme.simulator(
        INTERCEPTS, grid, beta=[1, 2], sigma=1, covariances={"sd": 0.7}, weights="w", offset="off"
    )
    model = pylme.StudyModel(formula=INTERCEPTS, weights="w", offset="off")
    drawn = simulator.draw(2, seed=3)
    for null, reml in (("y ~ x", "TRUE"), ("y ~ 1", "FALSE")):
        found = pylme.power(simulator, model, null=null, n=2, seed=3)
        for i in range(2):
            frame = drawn.to_frame(i)
            columns = ", ".join(f"{name} = c({', '.join(map(repr, frame[name].tolist()))})"
                                for name in ("x", "g", "w", "off", "y"))  # fmt: skip
            fall = native(
                f"""
                d <- data.frame({columns})
                larger <- lmer({INTERCEPTS}, d, REML = {reml}, weights = w, offset = off)
                smaller <- lm({null}, d, weights = w, offset = off)
                c(2 * (logLik(larger, REML = {reml}) - logLik(smaller, REML = {reml})))
                """
            )
            assert found.statistics["one"][i] == pytest.approx(max(fall, 0.0), abs=1e-5)


def test_several_designs_are_lines_of_one_table():
    designs = {"few": design(8, slope=0.2), "many": design(40, slope=0.2)}
    found = pylme.power(designs, INTERCEPTS, test="x", n=300, seed=1, alpha=0.01)
    assert found.table["design"].tolist() == ["few", "many"]
    assert found.table["power"].is_monotonic_increasing
    np.testing.assert_allclose(found.table["power"], (found.p_values <= 0.01).mean().to_numpy())
    alone = pylme.power(designs["many"], INTERCEPTS, test="x", n=300, seed=1, alpha=0.01)
    np.testing.assert_array_equal(alone.p_values["one"], found.p_values["many"])


def test_a_seed_that_was_not_given_is_told():
    found = pylme.power(design(8), INTERCEPTS, test="x", n=3)
    again = pylme.power(design(8), INTERCEPTS, test="x", n=3, seed=found.seed)
    pd.testing.assert_frame_equal(found.p_values, again.p_values)


@pytest.mark.needs_r
def test_numbers_that_r_draws():
    simulator = one_way(6, 3, 0.5, rng="R")
    options = {"null": "y ~ 1", "reference": "simulated", "n": 20}
    found = pylme.power(simulator, "y ~ 1 + (1 | g)", seed=11, **options)
    # What is drawn under the null hypothesis comes from the seeds that follow.
    null = pylme.power(one_way(6, 3, 0.0, rng="R"), "y ~ 1 + (1 | g)", seed=31, **options)
    as_large = [(null.statistics["one"] >= t).sum() for t in found.statistics["one"]]
    np.testing.assert_allclose(found.p_values["one"], (1 + np.array(as_large)) / 21)


def test_tables_that_a_function_makes():
    def tables(generator):
        grid = pylme.expand_grid(g=range(10), x=range(4))
        if generator.uniform() < 0.3:
            raise RuntimeError("no data today")
        return grid.assign(y=generator.normal(size=40) + generator.normal(size=10)[grid["g"]])

    found = pylme.power(tables, INTERCEPTS, null="y ~ 1 + (1 | g)", n=20, seed=2)
    line = line_of(found)
    assert line["failed"] > 0
    assert line["n"] + line["failed"] == 20
    assert found.test == "likelihood ratio test against χ²(1)"
    with pytest.raises(OptionError, match="cannot set its parameters"):
        pylme.power(tables, INTERCEPTS, test="x", reference="simulated", n=3, seed=2)
    with pytest.raises(OptionError, match="with a random-effects term"):
        pylme.power(tables, INTERCEPTS, null="y ~ x", n=3, seed=2)


@pytest.mark.needs_r
def test_both_engines_find_the_same():
    options = {"null": INTERCEPTS, "n": 12, "seed": 4}
    numpy = pylme.power(design(10), SLOPES, **options)
    lme4 = pylme.power(design(10), SLOPES, engine="lme4", **options)
    np.testing.assert_allclose(numpy.p_values, lme4.p_values, atol=1e-4)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"test": None}, "either `test`"),
        ({"null": "y ~ 1 + (1 | g)"}, "either `test`"),
        ({"alpha": 5}, "between 0 and 1"),
        ({"df": 0}, "a positive number, with `test`"),
        ({"test": None, "null": "y ~ 1 + (1 | g)", "df": 3}, "a positive number, with `test`"),
        ({"reference": "exact"}, "'asymptotic', 'simulated'"),
        ({"n": 0}, "a whole number from 1"),
        ({"test": None, "null": INTERCEPTS}, "fewer parameters"),
        (
            {"test": None, "null": "y ~ x + z + (1 | g)"},
            "fixed effects that the larger one does not have",
        ),
        ({"test": None, "null": SLOPES}, "random effects of g that the larger"),
        ({"test": None, "null": "log(y) ~ x"}, "a random-effects term"),
    ],
)
def test_what_is_no_test_is_refused(changes, words):
    simulator = pylme.simulator(
        INTERCEPTS, pylme.expand_grid(g=range(5), x=range(3)).assign(z=np.arange(15) ** 2),
        beta=[0, 0], sigma=1, covariances={"sd": 1},
    )  # fmt: skip
    options = {"test": "x", "n": 2, "seed": 1, **changes}
    with pytest.raises(OptionError, match=words):
        pylme.power(simulator, INTERCEPTS, **options)


def test_names_and_rows_that_do_not_fit():
    with pytest.raises(UnknownNameError, match="fixed effect 'z'"):
        pylme.power(design(5), INTERCEPTS, test="z", n=2, seed=1)
    with pytest.raises(FormulaError):
        pylme.power(design(5), INTERCEPTS, null="y ~ q + (1 | g)", n=2, seed=1)
    grid = pylme.expand_grid(g=range(5), x=range(3)).assign(
        z=lambda d: d["x"].where(d["g"] > 0).astype(float)
    )
    simulator = pylme.simulator(INTERCEPTS, grid, beta=[0, 0], sigma=1, covariances={"sd": 1})
    with pytest.raises(OptionError, match="a model of the 12 rows"):
        pylme.power(simulator, "y ~ x + z + (1 | g)", null=INTERCEPTS, n=2, seed=1)
