"""The command `pylme audit`: its table, its files, and its status."""

from __future__ import annotations

import csv
import subprocess
from typing import TYPE_CHECKING

import pytest

from pylme.cli.app import run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.needs_r

_FITS = """
suppressMessages(library(lme4))
folder <- commandArgs(TRUE)
keep <- function(fit, name) saveRDS(fit, file.path(folder, name))
dir.create(file.path(folder, "good", "more"), recursive = TRUE)
keep(lmer(Reaction ~ Days + (Days | Subject), sleepstudy), "good/sleep.rds")
keep(lmer(Yield ~ 1 + (1 | Batch), Dyestuff), "good/more/yield.RDS")
far <- transform(sleepstudy, Days = Days + 100)
keep(suppressWarnings(lmer(Reaction ~ Days + (Days | Subject), far)), "far.rds")
keep(1:3, "other.rds")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("audit")
    script = made / "fits.R"
    script.write_text(_FITS, encoding="utf-8")
    subprocess.run(["Rscript", str(script), str(made)], check=True, capture_output=True)
    return made


def test_a_folder_of_good_fits(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, page = tmp_path / "audit.csv", tmp_path / "audit.html"
    for file in (table, page):
        assert run(["audit", str(folder / "good"), "--output", str(file)]) == 0
        assert capsys.readouterr().out == ""
    assert run(["audit", str(folder / "good")]) == 0
    shown = capsys.readouterr().out
    assert "2 of 2 fits can be relied on" in shown
    assert "AGREES" in shown
    assert "yield.RDS" in shown
    with table.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["formula"] for row in rows] == [
        "Yield ~ 1 + (1 | Batch)",
        "Reaction ~ Days + (Days | Subject)",
    ]
    assert [row["rows"] for row in rows] == ["30", "180"]
    assert all(abs(float(row["excess"])) < 1e-6 for row in rows)
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_status_is_that_of_the_worst(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(folder / "good"), str(folder / "far.rds")]
    assert run(["audit", *files]) == 3
    shown = capsys.readouterr().out
    assert "STOPPED_SHORT" in shown
    assert "lme4 stopped" in shown
    assert run(["audit", *files, str(folder / "other.rds")]) == 1
    shown = capsys.readouterr().out
    assert "2 of 4 fits can be relied on" in shown
    assert "not a mixed model that pylme reads" in shown


@pytest.mark.parametrize("arguments", [[], ["."], ["x.rds", "--output", "no/such/folder.csv"]])
def test_a_wrong_command_line(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["audit", *arguments]) == 2


def test_the_help_says_that_files_are_code(capsys: pytest.CaptureFixture[str]) -> None:
    run(["audit", "--help"])
    assert "An RDS file is code" in " ".join(capsys.readouterr().out.split())
