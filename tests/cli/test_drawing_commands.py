"""The commands that draw data: `bootstrap`, `power`, `simulate`, `study`."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.cli.app import run

SLEEP = "Reaction ~ Days + (Days | Subject)"
NUMPY = ("--engine", "numpy")
PLANNED = ("--beta", "(Intercept)=250", "--beta", "Days=-10", "--sigma", "25")


@pytest.fixture(scope="module")
def fit():
    return pylme.lmer(SLEEP, pylme.datasets.load("sleepstudy"), engine="numpy")


@pytest.fixture
def planned(tmp_path):
    """Predictors of a study that is planned, without a response."""
    path = tmp_path / "planned.csv"
    pylme.expand_grid(Subject=range(12), Days=range(6)).to_csv(path, index=False)
    return str(path)


def _rows(capsys):
    return pd.read_csv(io.StringIO(capsys.readouterr().out))


def test_responses_are_those_of_the_fit(fit, capsys):
    assert run(["simulate", "sleepstudy", SLEEP, *NUMPY, "--n", "2", "--seed", "3"]) == 0
    rows = _rows(capsys)
    assert rows.columns[-2:].tolist() == ["sim_1", "sim_2"]
    np.testing.assert_allclose(rows["sim_2"], fit.simulate(2, seed=3)["sim_2"])


def test_parameters_without_a_response_are_those_given(planned, capsys):
    asked = ["simulate", planned, "y ~ Days + (Days | Subject)", *PLANNED, "--seed", "1"]
    assert run([*asked, "--sd", "24,6", "--corr", "-0.3"]) == 0
    expected = pylme.simulate(
        "y ~ Days + (Days | Subject)", pd.read_csv(planned), beta=[250, -10], sigma=25,
        covariances={"sd": [24, 6], "corr": -0.3}, seed=1,
    )  # fmt: skip
    np.testing.assert_allclose(_rows(capsys)["sim_1"], expected.y[:, 0])


def test_without_noise_the_response_is_the_mean(planned, capsys):
    asked = ["simulate", planned, "y ~ Days + (1 | Subject)", "--sigma", "1e-9", "--sd"]
    assert run([*asked, "Subject=0", "--beta", "(Intercept)=3", "--beta", "Days=2"]) == 0
    rows = _rows(capsys)
    np.testing.assert_allclose(rows["sim_1"], 3 + 2 * rows["Days"], atol=1e-6)


def test_counts_are_drawn(planned, capsys):
    asked = ["simulate", planned, "y ~ 1 + (1 | Subject)", "--beta", "(Intercept)=1", "--sd", "1"]
    assert run([*asked, "--family", "nb", "--shape", "2", "--seed", "1"]) == 0
    counts = _rows(capsys)["sim_1"]
    assert (counts == counts.round()).all()
    assert counts.max() > 3


def test_the_bootstrap_is_that_of_the_fit(fit, capsys):
    asked = ["bootstrap", "sleepstudy", SLEEP, *NUMPY, "--n", "40", "--seed", "2", "--json"]
    assert run([*asked, "--kind", "basic", "--conf-level", "0.9"]) == 0
    found = pd.DataFrame(json.loads(capsys.readouterr().out)).set_index("term")
    boot = fit.bootstrap(40, seed=2)
    expected = boot.intervals("basic", conf_level=0.9)
    np.testing.assert_allclose(found["conf_low"], expected["conf_low"])
    np.testing.assert_allclose(found["std_error"], boot.std_error)
    assert run(["bootstrap", "sleepstudy", SLEEP, *NUMPY, "--n", "3", "--all-replicates"]) == 0
    assert len(_rows(capsys)) == 3


def test_power_grows_with_the_effect(capsys):
    asked = ["power", "sleepstudy", SLEEP, *NUMPY, "--test", "Days", "--n", "60", "--seed", "1"]
    found = []
    for effect in ("0", "4"):
        assert run([*asked, "--beta", f"Days={effect}", "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out)[0]["power"])
    assert found[0] < 0.2
    assert found[1] > 0.5


def test_a_study_of_two_models(tmp_path, capsys):
    file = tmp_path / "study.parquet"
    asked = ["study", "sleepstudy", SLEEP, "Reaction ~ Days + (1 | Subject)", *NUMPY, "--n", "20"]
    assert run([*asked, "--seed", "1", "--output", str(file), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert pd.read_parquet(file)["model"].nunique() == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--beta", "Days"], "as Days=10"),
        (["--sd", "Subject=a"], "as Subject=24,6"),
        (["--corr", "0.3"], "it with --sd"),
        (["--sd", "24,6", "--corr", "Subject=0.3"], "that an --sd has too"),
        (["--sd", "24,6", "--corr", "0.3,0.2"], "one number for all pairs"),
        (["--random", "all", "--sigma", "2"], "without parameters"),
    ],
)
def test_parameters_that_are_none(arguments, said, capsys):
    assert run(["simulate", "sleepstudy", SLEEP, *NUMPY, *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_planned_study_names_what_is_missing(planned, capsys):
    asked = ["simulate", planned, "y ~ Days + (1 | Subject)", "--beta", "Days=1"]
    assert run(asked) == 2
    assert "Option --sigma: it is missing" in capsys.readouterr().err
    assert run([*asked, "--sigma", "1", "--sd", "2"]) in (1, 2)
    assert "(Intercept)" in capsys.readouterr().err
    asked = ["power", planned, "y ~ Days + (1 | Subject)", *PLANNED, "--sd", "20"]
    assert run([*asked, "--test", "Days", "--laplace", "observed"]) == 2
    assert "Option --laplace" in capsys.readouterr().err
