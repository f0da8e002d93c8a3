"""The documents keep up with the code: every public name has its place in the reference."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

import pylme

DOCS = (Path(__file__).parents[1] / "docs").resolve()
REFERENCE = set((DOCS / "reference" / "api.rst").read_text(encoding="utf-8").split())
#: Public names that are modules, described name by name, or no functions or classes.
NOT_DESCRIBED = {"__version__", "datasets", "errors", "plot", "reference", "studies"}
CELL = re.compile(r"```\{code-cell\} ipython3\n(.*?)```", re.DOTALL)


PUBLIC = [
    *(f"pylme.{name}" for name in sorted(set(pylme.__all__) - NOT_DESCRIBED)),
    *(f"pylme.datasets.{name}" for name in pylme.datasets.__all__),
    *(f"pylme.reference.{name}" for name in pylme.reference.__all__),
    *(f"pylme.plot.{name}" for name in pylme.plot.__all__),
    *(f"pylme.Fit.{name}" for name in dir(pylme.Fit) if not name.startswith("_")),
]


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_has_its_page(name):
    assert name in REFERENCE


def test_every_page_is_in_a_menu():
    menus = [*DOCS.glob("*/index.md"), DOCS / "index.md"]
    listed = {
        (menu.parent / line).resolve().relative_to(DOCS).as_posix()
        for menu in menus
        for line in menu.read_text(encoding="utf-8").splitlines()
    }
    pages = {
        path.relative_to(DOCS).with_suffix("").as_posix()
        for path in DOCS.glob("*/*.*")
        if path.suffix in {".md", ".rst"} and not path.stem.endswith("_table")
    }
    assert pages
    assert pages <= listed


@pytest.mark.needs_r
def test_the_example_of_a_second_minimum_shows_what_its_text_says():
    page = (DOCS / "explanation" / "convergence.md").read_text(encoding="utf-8")
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
