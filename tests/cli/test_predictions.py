"""The commands `pylme predict` and `pylme means`."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.cli.app import run

SLEEP = "Reaction ~ Days + (Days | Subject)"
CAKE = "angle ~ recipe + temp + (1 | recipe:replicate)"
NUMPY = ("--engine", "numpy")


@pytest.fixture
def new(tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("Days,note\n0,a\n5,b\n", encoding="utf-8")
    return str(path)


def test_predictions_of_new_rows_beside_their_columns(new, capsys):
    asked = ["--newdata", new, "--random", "none", "--interval", "prediction"]
    assert run(["predict", "sleepstudy", SLEEP, *NUMPY, *asked]) == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out))
    fit = pylme.lmer(SLEEP, pylme.datasets.load("sleepstudy"), engine="numpy")
    expected = fit.predict({"Days": [0, 5]}, random="none", interval="prediction")
    np.testing.assert_allclose(table["conf_high"], expected["conf_high"])
    assert table["note"].tolist() == ["a", "b"]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_tables_are_written_to_files(ending, tmp_path, capsys):
    output = tmp_path / f"made.{ending}"
    assert run(["predict", "sleepstudy", SLEEP, *NUMPY, "--output", str(output)]) == 0
    assert not capsys.readouterr().out
    made = pd.read_csv(output) if ending == "csv" else pd.read_parquet(output)
    assert len(made) == 180
    assert made.columns[-1] == "estimate"


def test_means_and_contrasts_are_printed(capsys):
    assert run(["means", "cake", CAKE, "recipe", *NUMPY]) == 0
    assert capsys.readouterr().out.startswith("Marginal means of recipe\n")
    assert run(["means", "cake", CAKE, "recipe", *NUMPY, "--contrast", "pairwise"]) == 0
    printed = capsys.readouterr().out
    assert "A - B" in printed
    assert "Tukey" in printed
    assert run(["means", "cake", CAKE, "--slope", "temp", *NUMPY]) == 0
    assert "Slopes of temp" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--adjust", "holm"], "--contrast"),
        (["--slope", "temp", "--kind", "response"], "without --slope"),
        (["--output", "means.txt"], ".csv, .parquet, .json, .html, .md or .tex"),
        (["--family", "poisson", "--ml"], "without --family"),
    ],
)
def test_options_that_do_not_go_together(arguments, said, capsys):
    assert run(["means", "cake", CAKE, "recipe", *arguments]) == 2
    assert said in capsys.readouterr().err
