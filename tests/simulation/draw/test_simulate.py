"""Data drawn by NumPy: exact moments, the model's own arithmetic, seeds, and other tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import pylme
from pylme.errors import NotAvailableError, OptionError, ResponseError, UnknownNameError

GRID = pylme.expand_grid({"sch.id": range(12)}, ses=range(1, 6), sex=["f", "m"])
FORMULA = "Y ~ ses * sex + (ses | sch.id) + (1 | ses)"
PARAMETERS = {
    "beta": [1.0, 2.0, -1.0, 0.5],
    "sigma": 2.0,
    "covariances": {"sch.id": {"sd": [2, 1], "corr": 0.4}, "ses": {"sd": 0.5}},
}


def drawn(**changes):
    return pylme.simulate(FORMULA, GRID, **{**PARAMETERS, "seed": 1, "n": 5, **changes})


def test_y_is_what_the_model_says():
    """Y = Xβ + Zb + ε, with X and Z of the design."""
    simulation = drawn()
    design = pylme.design(FORMULA, simulation.to_frame(0))
    b = [simulation.random_effects[t.label].reshape(5, -1) for t in design.terms]
    expected = (design.X @ PARAMETERS["beta"])[:, None] + design.Z @ np.hstack(b).T
    np.testing.assert_allclose(simulation.y, expected + simulation.errors, rtol=1e-13)


def test_empirical_effects_have_exactly_the_moments_asked_for():
    simulation = drawn(empirical=True)
    for label, cov in (("ses | sch.id", [[4, 0.8], [0.8, 1]]), ("1 | ses", [[0.25]])):
        for b in simulation.random_effects[label]:
            np.testing.assert_allclose(b.mean(axis=0), 0, atol=1e-14)
            np.testing.assert_allclose(np.cov(b.T).reshape(np.shape(cov)), cov, rtol=1e-13)


def test_terms_of_one_factor_are_exactly_uncorrelated_where_that_is_asked_for():
    simulation = pylme.simulate(
        "Y ~ ses + (ses || sch.id)", GRID, beta=[1, 2], sigma=1,
        covariances={"sd": [2, 1]}, empirical=True, seed=1,
    )  # fmt: skip
    b = np.hstack([effects[0] for effects in simulation.random_effects.values()])
    np.testing.assert_allclose(np.cov(b.T), [[4, 0], [0, 1]], atol=1e-14)


def test_moments_over_many_draws():
    """Within five of their own standard errors."""
    n = 4000
    simulation = drawn(n=n)
    b = simulation.random_effects["ses | sch.id"].reshape(-1, 2)
    se = np.sqrt(2 / len(b))
    np.testing.assert_allclose(np.var(b, axis=0) / [4, 1], 1, atol=5 * se)
    assert np.corrcoef(b.T)[0, 1] == pytest.approx(0.4, abs=5 * se)
    assert np.var(simulation.errors) / 4 == pytest.approx(1, abs=5 * np.sqrt(2 / simulation.y.size))


def test_a_replicate_is_that_of_its_spawned_seed():
    """The first numbers of child i of numpy.random.SeedSequence(seed)."""
    simulation = pylme.simulate(
        "Y ~ 1 + (1 | sch.id)", GRID, beta=0, sigma=1, covariances={"sd": 1}, seed=7, n=3
    )
    for i, child in enumerate(np.random.SeedSequence(7).spawn(3)):
        z = np.random.default_rng(child).standard_normal(12 + len(GRID))
        np.testing.assert_array_equal(simulation.random_effects["1 | sch.id"][i][:, 0], z[:12])
        np.testing.assert_array_equal(simulation.errors[:, i], z[12:])


@pytest.mark.parametrize("empirical", [False, True])
@pytest.mark.parametrize("random", ["(1 | sch.id)", "(ses | sch.id)", "(sex + ses | sch.id)"])
def test_a_replicate_does_not_depend_on_those_drawn_with_it(random, empirical):
    k = {"(1": 1, "(ses": 2, "(sex": 3}[random.split()[0]]
    model = pylme.simulator(
        f"Y ~ ses + {random}", GRID, beta=[1, 2], sigma=1,
        covariances={"sd": range(1, k + 1), "corr": 0.3}, empirical=empirical,
    )  # fmt: skip
    whole = model.draw(40, seed=3)
    for first, stop in ((0, 1), (17, 18), (5, 29)):
        part = model.replicates(whole.seeds, first, stop)
        np.testing.assert_array_equal(part.y, whole.y[:, first:stop])


def test_what_was_drawn_can_be_drawn_again():
    fresh = drawn(seed=None)
    np.testing.assert_array_equal(drawn(seed=fresh.seeds.entropy).y, fresh.y)
    sequence = np.random.SeedSequence(9, spawn_key=(4,))
    again = np.random.SeedSequence(9).spawn(5)[4]
    np.testing.assert_array_equal(drawn(seed=sequence).y, drawn(seed=again).y)
    assert not np.array_equal(drawn(seed=sequence).y, drawn(seed=9).y)


def test_parts_have_parameters_of_their_own():
    grid = pylme.expand_grid(school=range(10), ses=range(5), sector=["0", "1"])
    grid["school"] += 10 * (grid["sector"] == "1")
    simulation = pylme.simulate(
        "Y ~ ses + (ses | school)", grid, by="sector",
        beta={"0": [0, 1], "1": [100, 2]}, sigma={"0": 0, "1": 1},
        covariances={"0": {"sd": [1, 1], "corr": 0.5}, "1": {"sd": [3, 2], "corr": -0.5}},
        empirical=True, seed=1,
    )  # fmt: skip
    effects = simulation.ranef()["ses | school"]
    assert effects.index.tolist() == [str(i) for i in range(20)]
    np.testing.assert_allclose(effects[:10].cov(), [[1, 0.5], [0.5, 1]])
    np.testing.assert_allclose(effects[10:].cov(), [[9, -3], [-3, 4]])
    at = effects.loc[grid["school"].astype(str)].to_numpy()
    fixed = np.where(grid["sector"] == "0", grid["ses"], 100 + 2 * grid["ses"])
    random = at[:, 0] + at[:, 1] * grid["ses"]
    np.testing.assert_allclose(simulation.y[:, 0] - fixed - random - simulation.errors[:, 0], 0,
                               atol=1e-12)  # fmt: skip
    assert (simulation.errors[grid["sector"] == "0"] == 0).all()


def test_weights_and_offset():
    w = np.arange(1.0, len(GRID) + 1)
    kwargs = {"covariances": {"sd": 1}, "beta": 0, "sigma": 3, "seed": 1, "n": 2}
    plain = pylme.simulate("Y ~ 1 + (1 | sch.id)", GRID, **kwargs)
    weighted = pylme.simulate("Y ~ 1 + (1 | sch.id)", GRID, weights=w, offset=w, **kwargs)
    np.testing.assert_allclose(weighted.errors, plain.errors / np.sqrt(w)[:, None])
    zb = plain.y - plain.errors
    np.testing.assert_allclose(weighted.y, zb + w[:, None] + weighted.errors, atol=1e-12)


@pytest.mark.parametrize("make", [dict, pl.from_pandas, pa.Table.from_pandas])
def test_tables_of_other_libraries(make):
    data = GRID.to_dict("list") if make is dict else make(GRID)
    frame = pylme.simulate(FORMULA, data, seed=1, **PARAMETERS).to_frame()
    assert type(frame) is type(data)
    np.testing.assert_array_equal(np.asarray(frame["Y"]), drawn(n=1).y[:, 0])


def test_rows_without_predictors_have_no_response_and_a_response_is_not_looked_at():
    data = GRID.assign(Y=np.nan)
    data["ses"] = data["ses"].where(data.index != 3).astype(float)
    with pytest.warns(pylme.errors.MissingRowsWarning):
        y = pylme.simulate("Y ~ ses + (1 | sch.id)", data, beta=[0, 1], sigma=1,
                           covariances={"sd": 1}, seed=1).y  # fmt: skip
    assert np.flatnonzero(np.isnan(y[:, 0])).tolist() == [3]


def test_frames_and_random_effects_of_a_replicate():
    simulation = drawn()
    assert len(simulation) == 5
    assert "Y" not in GRID
    frames = list(simulation.frames())
    np.testing.assert_array_equal(frames[-1]["Y"], simulation.to_frame(-1)["Y"])
    effects = simulation.ranef(2)["ses | sch.id"]
    assert effects.index.name == "sch.id"
    assert list(effects) == ["(Intercept)", "ses"]
    with pytest.raises(OptionError, match="a replicate from 0 to 4"):
        simulation.to_frame(5)
    with pytest.raises(ValueError, match="read-only"):
        simulation.y[0, 0] = 1


def test_from_a_fit(monkeypatch):
    sleepstudy = pylme.datasets.load("sleepstudy")
    fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy")
    by_fit = pylme.simulate(fit, n=3, seed=2)
    by_hand = pylme.simulate(
        fit.formula, sleepstudy, beta=fit.fixef, sigma=fit.sigma, covariances=fit.varcorr,
        n=3, seed=2,
    )  # fmt: skip
    np.testing.assert_array_equal(by_fit.y, by_hand.y)
    assert by_fit.to_frame(0).columns.tolist() == ["Reaction", "Days", "Subject"]
    refit = pylme.lmer(fit.formula, by_fit.to_frame(0), engine="numpy")
    assert refit.ngrps == fit.ngrps
    with pytest.raises(NotAvailableError, match="came from JSON"):
        pylme.simulate(pylme.from_json(fit.to_json()))


def test_from_a_fit_that_left_rows_out():
    data = pylme.datasets.load("sleepstudy").set_index(pd.RangeIndex(1000, 1180))
    data.loc[1003, "Days"] = np.nan
    with pytest.warns(pylme.errors.MissingRowsWarning):
        fit = pylme.lmer("Reaction ~ Days + (1 | Subject)", data, engine="numpy")
    simulation = pylme.simulate(fit, seed=1)
    assert simulation.to_frame().index.equals(data.index)
    assert np.flatnonzero(np.isnan(simulation.y[:, 0])).tolist() == [3]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"beta": None}, "a formula alone does not define the distribution"),
        ({"beta": [1, 2]}, "4 finite numbers"),
        ({"beta": {"(Intercept)": 1}}, "a number for 'ses' too"),
        ({"sigma": -1}, "a number of 0 or more"),
        ({"n": 0}, "a whole number from 1"),
        ({"seed": -1}, "a whole number of 0 or more"),
        ({"seed": 1.5}, "a whole number of 0 or more"),
        ({"rng": "r"}, "Did you mean 'R'"),
        ({"rng": "R", "seed": 2**31 - 2}, "within R's integers"),
        ({"rng": "R", "seed": np.random.SeedSequence(1)}, "set.seed"),
    ],
)
def test_wrong_arguments_are_refused(changes, words):
    with pytest.raises(OptionError, match=words):
        drawn(**changes)


def test_what_cannot_be_simulated_is_refused():
    with pytest.raises(ResponseError, match="an expression, not a column"):
        pylme.simulate("log(Y) ~ 1 + (1 | sch.id)", GRID, beta=0, sigma=1, covariances={"sd": 1})
    with pytest.raises(UnknownNameError, match="'sexm'"):
        drawn(beta={"ses": 1, "sexM": 2})
    few = pylme.expand_grid(g=[1, 2], x=range(5))
    with pytest.raises(OptionError, match="more levels of g: "):
        pylme.simulate("Y ~ x + (x | g)", few, beta=[0, 0], sigma=1,
                       covariances={"sd": [1, 1]}, empirical=True)  # fmt: skip


@pytest.mark.parametrize("library", [pl, pa])
def test_random_effects_come_in_the_library_of_the_data(library):
    given = pl.from_pandas(GRID) if library is pl else pa.Table.from_pandas(GRID)
    own = pylme.simulate(FORMULA, given, **PARAMETERS, seed=1).ranef(0)["ses | sch.id"]
    in_pandas = drawn(n=1).ranef(0)["ses | sch.id"]
    assert isinstance(own, pl.DataFrame if library is pl else pa.Table)
    columns = own.to_dict(as_series=False) if library is pl else own.to_pydict()
    assert columns == {
        "sch.id": in_pandas.index.tolist(), **{n: in_pandas[n].tolist() for n in in_pandas}
    }  # fmt: skip
