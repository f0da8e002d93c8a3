"""Where results go: files of every ending, JSON, the terminal, its colours, and pages."""

from __future__ import annotations

import io
import json
import re

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.cli import console
from pylme.cli.app import run

CAKE = "angle ~ recipe + temp + (1 | recipe:replicate)"
MEANS = ("means", "cake", CAKE, "recipe", "--engine", "numpy")
COMMANDS = {
    "fit": ("fit", "cake", CAKE),
    "check": ("check", "cake", CAKE),
    "anova": ("anova", "cake", CAKE),
    "explain": ("explain", "cake", CAKE),
    "means": ("means", "cake", CAKE, "recipe"),
    "predict": ("predict", "cake", CAKE),
    "compare": ("compare", "cake", CAKE, "angle ~ temp + (1 | recipe:replicate)"),
    "simulate": ("simulate", "cake", CAKE, "--seed", "1"),
}


@pytest.fixture(scope="module")
def means():
    fit = pylme.lmer(CAKE, pylme.datasets.load("cake"), engine="numpy")
    return fit.emmeans("recipe").to_frame()


@pytest.mark.parametrize("ending", ["csv", "CSV", "parquet", "json"])
def test_files_of_data_have_all_digits(ending, means, tmp_path, capsys):
    file = tmp_path / f"made.{ending}"
    assert run([*MEANS, "--output", str(file)]) == 0
    assert capsys.readouterr() == ("", "")
    reading = {"csv": pd.read_csv, "parquet": pd.read_parquet, "json": pd.read_json}
    table = reading[ending.lower()](file)
    assert table.columns.tolist() == means.columns.tolist()
    np.testing.assert_array_equal(table["estimate"], means["estimate"])


@pytest.mark.parametrize(
    ("ending", "begins", "holds"),
    [("html", "<!doctype html>", "<td"), ("md", "", "| :--"), ("tex", "", "\\toprule")],
)
def test_files_for_people(ending, begins, holds, tmp_path):
    file = tmp_path / f"made.{ending}"
    assert run([*MEANS, "--output", str(file)]) == 0
    text = file.read_text(encoding="utf-8")
    assert text.startswith(begins)
    assert holds in text


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("ending", ["parquet", "json", "md"])
def test_every_command_writes_every_form(name, ending, tmp_path, capsys):
    file = tmp_path / f"made.{ending}"
    own = () if name == "explain" else ("--engine", "numpy")
    assert run([*COMMANDS[name], *own, "--output", str(file)]) == 0
    assert capsys.readouterr().out == ""
    content = file.read_bytes()
    if ending == "json":
        assert json.loads(content)
    else:
        assert content.startswith(b"PAR1") is (ending == "parquet")


def test_an_unknown_ending_lists_the_known_ones(capsys):
    assert run([*MEANS, "--output", "means.xlsx"]) == 2
    assert ".csv, .parquet, .json, .html, .md or .tex" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("caterpillar", ("--group", "recipe:replicate")),
        ("coefficients", ("--conf-level", "0.9")),
        ("emmeans", ("--specs", "recipe")),
        ("predictions", ("--x", "temp", "--by", "recipe")),
        ("residuals", ("--against", "normal")),
        ("random-effects-qq", ()),
    ],
)
def test_plots_are_drawn_and_their_numbers_written(kind, options, tmp_path, capsys):
    asked = ["plot", "cake", CAKE, kind, *options, "--engine", "numpy"]
    for ending, magic in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")):
        file = tmp_path / f"made.{ending}"
        assert run([*asked, "--output", str(file)]) == 0
        assert file.read_bytes().startswith(magic)
        if kind != "caterpillar":
            break
    assert run(asked) == 0
    assert len(pd.read_csv(io.StringIO(capsys.readouterr().out))) > 1


def test_an_option_that_a_plot_does_not_have(capsys):
    assert run(["plot", "cake", CAKE, "residuals", "--x", "temp", "--output", "a.png"]) == 2
    assert "it without residuals" in capsys.readouterr().err


def test_a_plot_in_a_page(tmp_path):
    file = tmp_path / "made.html"
    assert run(["plot", "cake", CAKE, "residuals", "--engine", "numpy", "--output", str(file)]) == 0
    assert 'src="data:image/svg+xml;base64,' in file.read_text(encoding="utf-8")


def test_the_report_of_a_fit(tmp_path):
    file = tmp_path / "report.html"
    assert run(["fit", "cake", CAKE, "--engine", "numpy", "--output", str(file)]) == 0
    text = file.read_text(encoding="utf-8")
    headings = re.findall("<h2>(.*?)</h2>", text)
    assert headings == [
        "Is it right?", "Summary", "Variances and correlations", "Tests of the fixed effects",
        "Explained variance", "Plots", "Convergence", "For the methods section",
    ]  # fmt: skip
    assert "<strong>AGREES</strong>" in text
    assert text.count("<figure>") == 5
    # Nothing is loaded from elsewhere.
    assert not re.search(r'(?:src|href)="(?!data:)', text)
    fit = pylme.lmer(CAKE, pylme.datasets.load("cake"), engine="numpy")
    assert f"{fit.criterion:.10g}" in text


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colours_and_tables_in_a_terminal(environment, coloured, monkeypatch):
    for name, value in {"TERM": "xterm-256color", "NO_COLOR": "", **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout", shown := _Terminal())
    assert run(["check", "cake", CAKE, "--engine", "numpy"]) == 0
    assert ("\x1b[" in shown.getvalue()) is coloured
    for part in ("AGREES", "The answer is right.", "curvature", "What to do:"):
        assert part in shown.getvalue()


def test_an_error_in_a_terminal_has_a_colour(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stderr", said := _Terminal())
    assert run(["datasets", "cbp"]) == 1
    assert "\x1b[1;31m" in said.getvalue()


def test_progress_where_there_is_a_terminal(monkeypatch):
    assert not console.progress_shown()
    monkeypatch.setattr("sys.stderr", _Terminal())
    assert console.progress_shown()
    assert not console.progress_shown(quiet=True)
