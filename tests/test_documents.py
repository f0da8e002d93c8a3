"""The documents keep up with the code: every public name has its place in the reference."""

from __future__ import annotations

from pathlib import Path

import pytest

import pylme

DOCS = Path(__file__).parents[1] / "docs"
REFERENCE = (DOCS / "reference.md").read_text(encoding="utf-8")
#: Public names that are modules, described name by name, or no functions or classes.
NOT_DESCRIBED = {"__version__", "datasets", "errors", "plot", "reference", "studies"}


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
