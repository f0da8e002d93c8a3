"""How the command line reads data: files of any separator, encoding and sign, and the input."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from pylme import datasets
from pylme.cli.app import run
from pylme.cli.reading import AS_USUAL, Reading
from pylme.errors import DataTypeError, FormulaError, OptionError

if TYPE_CHECKING:
    from pathlib import Path

SLEEP = "Reaction ~ Days + (Days | Subject)"
NUMPY = ("--engine", "numpy", "--json")
MAIN = "from pylme.cli import main; main()"
#: Numbers of seventeen digits, a decimal point in a text, a name and a text beyond ASCII.
TABLE = pd.DataFrame(
    {
        "größe": [0.1 + 0.2, -1e-300, 2.5, np.nan],
        "n": [1, 2, 3, 4],
        "wort": ["é", "a.b", "x y", "-"],
    }
)


class _Input(io.TextIOWrapper):
    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content))


def _file(folder: Path, name: str = "data.csv", **options: object) -> str:
    path = folder / name
    TABLE.to_csv(path, index=False, **options)
    return str(path)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({}, {}),
        ({"sep": ";", "decimal": ","}, {"sep": ";", "decimal": ","}),
        ({"sep": "\t"}, {"sep": "tab"}),
        ({"sep": "|", "encoding": "cp1252"}, {"sep": "|", "encoding": "cp1252"}),
        ({"encoding": "utf-16"}, {"encoding": "utf-16"}),
        ({"encoding": "utf-8-sig"}, {}),
        ({"na_rep": "-999"}, {"na": ("-999",)}),
    ],
)
def test_the_numbers_come_back_to_the_last_bit(
    written: dict[str, str], read: dict[str, object], tmp_path: Path
) -> None:
    pd.testing.assert_frame_equal(Reading(**read).table(_file(tmp_path, **written)), TABLE)


def test_a_separator_reads_a_file_of_any_ending(tmp_path: Path) -> None:
    path = _file(tmp_path, "data.txt", sep=";")
    with pytest.raises(OptionError, match="--sep"):
        AS_USUAL.table(path)
    pd.testing.assert_frame_equal(Reading(sep=";").table(path), TABLE)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sep": ";"}, "--sep ';'"),
        ({"sep": "\t"}, "--sep tab"),
        ({"encoding": "latin-1"}, "--encoding latin-1"),
        ({"encoding": "utf-16"}, "--encoding utf-16"),
    ],
)
def test_a_file_of_another_kind_says_which_option_reads_it(
    options: dict[str, str], said: str, tmp_path: Path
) -> None:
    with pytest.raises(DataTypeError, match=said):
        AS_USUAL.table(_file(tmp_path, **options))


def test_decimal_commas_are_recognised_or_stay_texts(tmp_path: Path) -> None:
    path = _file(tmp_path, sep=";", decimal=",")
    with pytest.raises(DataTypeError, match="--decimal ','"):
        Reading(sep=";").table(path)
    assert Reading(sep=";", decimal=".").table(path)["größe"][2] == "2,5"


def test_a_text_stays_where_the_missing_values_are_named(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("country,x\nNA,1\nDE,?\nFR,\n", encoding="utf-8")
    table = Reading(na=("?",)).table(str(path))
    assert table["country"].tolist() == ["NA", "DE", "FR"]
    assert table["x"].isna().tolist() == [False, True, True]


def test_separators_at_the_ends_of_lines_shift_no_column(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a,b\n0,2,\n1,4,\n", encoding="utf-8")
    with pytest.raises(DataTypeError, match="Remove the separator"):
        AS_USUAL.table(str(path))
    # Labels of rows, as R's write.table writes them, are no column.
    path.write_text("a,b\nr1,0,2\nr2,1,4\n", encoding="utf-8")
    assert AS_USUAL.table(str(path)).to_dict("list") == {"a": [0, 1], "b": [2, 4]}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_standard_input(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.BytesIO()
    if kind == "csv":
        TABLE.to_csv(content, index=False)
    else:
        TABLE.to_parquet(content)
    monkeypatch.setattr(sys, "stdin", _Input(content.getvalue()))
    pd.testing.assert_frame_equal(AS_USUAL.table("-"), TABLE)


def test_the_input_of_a_pipe_is_fitted() -> None:
    sleep = datasets.load("sleepstudy").to_csv(index=False, sep=";")
    done = subprocess.run(
        [sys.executable, "-c", MAIN, "fit", "-", SLEEP, "--sep", ";", *NUMPY],
        input=sleep, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert '"formula": "Reaction ~ Days + (Days | Subject)"' in done.stdout


def test_a_subset_by_an_expression() -> None:
    sleep = datasets.load("sleepstudy")
    rows = Reading(subset="Days > 2 & Subject != '308' | Reaction < 200").rows("sleepstudy")
    chosen = sleep[(sleep["Days"] > 2) & (sleep["Subject"] != "308") | (sleep["Reaction"] < 200)]
    pd.testing.assert_frame_equal(rows, chosen.reset_index(drop=True))


def test_a_row_where_the_expression_is_missing_is_not_chosen(tmp_path: Path) -> None:
    rows = Reading(subset="größe != 2.5").rows(_file(tmp_path))
    assert rows["n"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("expression", "said"),
    [("größ > 1", "größe"), ("n", "comparison"), ("n > 9", "none of 4 rows"), ("n >", "\\^")],
)
def test_a_wrong_subset(expression: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(FormulaError, match=said):
        Reading(subset=expression).rows(_file(tmp_path))


def test_an_unknown_option_before_the_data_is_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fit", "--mll", "sleepstudy", SLEEP]) == 2
    assert "--mll" in capsys.readouterr().err
