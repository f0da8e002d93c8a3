"""The documents keep up with the code: every public name has its place in the reference."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

import pylme

DOCS = Path(__file__).parents[1] / "docs"
REFERENCE = (DOCS / "reference.md").read_text(encoding="utf-8")
#: Public names that are modules, described name by name, or no functions or classes.
NOT_DESCRIBED = {"__version__", "datasets", "errors", "plot", "reference", "studies"}
CELL = re.compile(r"```\{code-cell\} ipython3\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("name", sorted(set(pylme.__all__) - NOT_DESCRIBED))
def test_a_public_name_is_in_the_reference(name):
    assert f":: pylme.{name}\n" in REFERENCE


@pytest.mark.parametrize("name", pylme.datasets.__all__)
def test_a_name_of_the_data_sets_is_in_the_reference(name):
    assert f":: pylme.datasets.{name}\n" in REFERENCE


@pytest.mark.parametrize("name", pylme.reference.__all__)
def test_a_name_of_the_reference_fitter_is_in_the_reference(name):
    assert f":: pylme.reference.{name}\n" in REFERENCE


@pytest.mark.parametrize("name", pylme.plot.__all__)
def test_a_picture_is_in_the_reference(name):
    assert f":: pylme.plot.{name}\n" in REFERENCE


def test_every_page_is_reached_from_the_first():
    index = (DOCS / "index.md").read_text(encoding="utf-8").splitlines()
    pages = {page.stem for page in DOCS.iterdir() if page.suffix in {".md", ".rst"}} - {"index"}
    assert pages <= set(index)


@pytest.mark.needs_r
def test_the_example_of_a_second_minimum_shows_what_its_text_says():
    page = (DOCS / "convergence.md").read_text(encoding="utf-8")
    section = page.split("## Several starts\n")[1].split("\n## ")[0]
    ran = {"pylme": pylme}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pylme.errors.SingularFitWarning)
        for cell in CELL.findall(section):
            exec(cell, ran)  # noqa: S102 - the code of our own page
    assert len(ran["small"]) == 12
    assert (ran["small"]["w"].min().round(3), ran["small"]["w"].max().round()) == (0.003, 173)
    check = ran["check"]
    (second,) = check.others
    assert check.verdict is pylme.Verdict.AGREES
    assert check.best == pytest.approx(75.8353061, abs=1e-5)
    assert second.criterion == pytest.approx(90.7065819, abs=1e-5)
    assert check.agreed + second.searches == check.starts > 40
    high = ran["high"]
    assert high.criterion == pytest.approx(second.criterion, abs=1e-5)
    assert high.varcorr["h"].sd["(Intercept)"] == pytest.approx(0.0, abs=1e-4)
    assert high.cross_check().verdict is pylme.Verdict.STOPPED_SHORT
    assert "Another minimum of the criterion lies 14.87 higher" in high.cross_check().explain()
