"""Each data set is the one in R, cell by cell, bit by bit, with its types and level orders."""

from __future__ import annotations

import gzip
import subprocess
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pylme import datasets

pytestmark = pytest.mark.needs_r

HERE = Path(__file__).parent
WRITER = HERE.parents[1] / "r_scripts" / "write_datasets.R"
OF_LME4 = [name for name in datasets.names() if name != "hsb"]
KINDS = {"double": "float", "integer": "int", "factor": "factor", "ordered": "ordered"}


@pytest.fixture(scope="module")
def in_r(tmp_path_factory):
    """A function that gives what R has under a name: cells, and (kind, levels) by column."""
    target = tmp_path_factory.mktemp("in_r")
    subprocess.run(["Rscript", HERE / "datasets_in_r.R", target], check=True)

    def read(name):
        cells = pd.read_csv(target / f"{name}.tsv", sep="\t", dtype=str, keep_default_na=False)
        lines = (target / f"{name}.types").read_text(encoding="utf-8").splitlines()
        types = [(KINDS[line.split("\t")[0]], line.split("\t")[1:]) for line in lines]
        return cells, dict(zip(cells.columns, types, strict=True))

    return read


def as_r_has_it(text: pd.Series, kind: str) -> np.ndarray:
    if kind == "float":
        return np.array([float.fromhex(cell) for cell in text])
    return text.astype(int).to_numpy() if kind == "int" else text.to_numpy(dtype=object)


@pytest.mark.parametrize("name", OF_LME4)
def test_cells_types_and_levels(name, in_r):
    cells, types = in_r(name)
    data = datasets.load(name)
    assert list(data.columns) == list(cells.columns)
    assert len(data) == len(cells)
    for column, (kind, levels) in types.items():
        ours = data[column]
        if kind in ("factor", "ordered"):
            assert ours.cat.categories.tolist() == levels
            assert ours.cat.ordered is (kind == "ordered")
            ours = ours.astype(object)
        else:
            assert ours.dtype == {"float": np.float64, "int": np.int64}[kind]
        np.testing.assert_array_equal(ours.to_numpy(), as_r_has_it(cells[column], kind))


def test_hsb_is_nlmes(in_r):
    pupils, _ = in_r("mathachieve")
    schools, types = in_r("mathachschool")
    hsb = datasets.load("hsb")
    assert hsb["sch.id"].cat.categories.tolist() == types["School"][1]
    assert hsb["sch.id"].astype(object).tolist() == pupils["School"].tolist()
    for ours, theirs in {"math": "MathAch", "ses": "SES"}.items():
        np.testing.assert_array_equal(hsb[ours], as_r_has_it(pupils[theirs], "float"))
    assert hsb["minority"].astype(object).tolist() == pupils["Minority"].tolist()
    assert (hsb["female"] == "Yes").tolist() == (pupils["Sex"] == "Female").tolist()
    sector = pupils["School"].map(schools.set_index("School")["Sector"])
    assert hsb["sector"].astype(object).tolist() == sector.tolist()
    assert hsb["sector"].cat.categories.tolist() == types["Sector"][1] == ["Public", "Catholic"]


def test_the_script_writes_what_ships(tmp_path):
    subprocess.run(["Rscript", WRITER, tmp_path], check=True)
    shipped = files("pylme.datasets").joinpath("data")
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(written) == {*(f"{name}.csv.gz" for name in datasets.names()), "columns.json"}
    for name, content in written.items():
        ours = shipped.joinpath(name).read_bytes()
        if name.endswith(".gz"):
            # Compressors differ among systems, what they compress does not. Bytes 4 to 7 of a
            # gzip file are its time: without one the same system writes the same bytes again.
            assert content[4:8] == bytes(4)
            content, ours = gzip.decompress(content), gzip.decompress(ours)  # noqa: PLW2901
        assert content == ours


def test_hsb_gives_the_published_criteria(tmp_path):
    """REML of two models of mlmRev's Hsb82, so that cses and meanses are its columns."""
    path = tmp_path / "hsb.csv"
    datasets.load("hsb").to_csv(path, index=False)
    code = f"""
        d <- read.csv("{path.as_posix()}", stringsAsFactors = TRUE)
        d$sector <- factor(d$sector, c("Public", "Catholic"))
        for (f in list(math ~ cses*sector + (cses | sch.id),
                       math ~ meanses*cses + sector*cses + (cses | sch.id)))
          cat(sprintf("%.7f\n", suppressWarnings(lme4::REMLcrit(lme4::lmer(f, d)))))
    """
    done = subprocess.run(["Rscript", "-e", code], check=True, capture_output=True, text=True)
    criteria = [float(line) for line in done.stdout.split()]
    assert criteria == pytest.approx([46638.6024167, 46503.66287], abs=1e-5)
