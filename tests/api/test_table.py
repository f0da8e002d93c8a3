"""Several models side by side, and what maketables reads of a fit."""

import polars as pl
import pytest

import pylme
from pylme.errors import OptionError
from tests.structures import repeated

SLEEPSTUDY = pylme.datasets.load("sleepstudy")


@pytest.fixture(scope="module")
def fits():
    full = pylme.lmer("Reaction ~ Days + (Days | Subject)", SLEEPSTUDY, engine="numpy")
    return full, full.update("~ . - Days - (Days | Subject) + (1 | Subject)")


def test_models_side_by_side(fits):
    table = pylme.table(*fits, names=["full", "null"])
    text = str(table)
    assert "251.405 (6.825)" in text
    assert "corr (Intercept), Days | Subject" in text
    assert "Standard errors in parentheses." in text
    lines = [line.split("  ")[0] for line in text.splitlines()]
    assert lines[3:7] == [
        "sd (Intercept) | Subject",
        "sd Days | Subject",
        "corr (Intercept), Days | Subject",
        "sd Residual",
    ]
    wide = table.to_frame("wide")
    assert wide.columns.tolist() == ["part", "term", "full", "null"]
    assert wide.loc[wide["term"] == "Days", "null"].item() == ""
    long = table.to_frame()
    assert long.columns.tolist() == ["model", "part", "term", "estimate", "std_error"]
    row = long[(long["model"] == "full") & (long["term"] == "Days")]
    assert row["estimate"].item() == fits[0].fixef["Days"]
    assert repr(table) == text


def test_all_forms(fits):
    table = pylme.table(*fits)
    assert "<table" in table.to_html()
    assert "\\toprule" in table.to_latex()
    assert table.to_markdown().startswith("|  | (1) | (2) |")


def test_intervals_and_p_values_beside(fits):
    table = pylme.table(fits[0], beside="conf_int", conf_level=0.9, digits=2)
    test = fits[0].coef_test(conf_level=0.9)
    assert f"({test.conf_low[1]:.2f}, {test.conf_high[1]:.2f})" in str(table)
    assert "90% intervals" in str(table)
    assert "conf_low" in table.to_frame().columns
    assert "p-values" in str(pylme.table(fits[0], beside="p_value", ddf="kenward-roger"))


def test_frames_are_in_the_library_of_the_data(fits):
    data = pl.from_pandas(SLEEPSTUDY.astype({"Subject": str}))
    fit = pylme.lmer("Reaction ~ Days + (1 | Subject)", data, engine="numpy")
    assert isinstance(pylme.table(fit).to_frame("wide"), pl.DataFrame)


def test_what_is_no_table(fits):
    with pytest.raises(OptionError, match="fits"):
        pylme.table()
    with pytest.raises(OptionError, match="names"):
        pylme.table(*fits, names=["a", "a"])
    with pytest.raises(OptionError, match="beside"):
        pylme.table(*fits, beside="stars")


def test_what_maketables_reads(fits):
    table = fits[0].__maketables_coef_table__
    assert table.columns.tolist() == ["b", "se", "t", "p", "ci95l", "ci95u"]
    assert table.index.tolist() == ["(Intercept)", "Days"]
    assert fits[0].__maketables_depvar__ == "Reaction"
    assert fits[0].__maketables_stat__("N") == 180
    assert fits[0].__maketables_stat__("N_Subject") == 18
    assert fits[0].__maketables_stat__("r2") is None


def test_a_covariance_structure_has_its_parameters():
    fits = [
        pylme.lmer(f"y ~ x + {random}", repeated(), engine="numpy")
        for random in ("ar1(0 + t | s)", "cs(0 + t | s)")
    ]
    shown = str(pylme.table(*fits)).splitlines()
    rows = {line[:22].strip(): line[22:].split() for line in shown if "| s" in line}
    one, several = (fit.varcorr["s"] for fit in fits)
    assert rows["sd * | s"] == [f"{one.sd.iloc[0]:.3f}"]
    assert rows["corr rho | s"] == [f"{one.corr.iloc[0, 1]:.3f}", f"{several.corr.iloc[0, 1]:.3f}"]
    assert rows["sd tt4 | s"] == [f"{several.sd.iloc[3]:.3f}"]
    assert not any(name.startswith("corr tt") for name in rows)
