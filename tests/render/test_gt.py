"""Tables of great_tables have the cells of the table that they come from, escaped."""

from __future__ import annotations

import sys

import pytest

import pylme
from pylme.errors import MissingPackageError
from pylme.render import Document, Facts, Table, to_gt
from tests.render.test_html import TAGS, Reader

TABLE = Table(
    columns=("<i>a", "", ""), rows=(("<b>1", " 2 ", "*"), ("3", "4", "")), row_names=("<p>x", "y"),
    align=("left", "right", "left"), caption="C & D", notes=("---", "below"),
)  # fmt: skip


class AnyTags(Reader):
    """Of a page with the tags of great_tables."""

    def handle_starttag(self, tag, attrs):
        super().handle_starttag(tag if tag in TAGS else "div", attrs)

    def handle_endtag(self, tag):
        super().handle_endtag(tag if tag in TAGS else "div")


def rows(table):
    """The cells of the page, without its style sheet."""
    page = table.as_raw_html()
    read = AnyTags(page[page.index("<table") : page.index("</table>") + len("</table>")])
    return [[cell.strip() for cell in row] for row in read.rows]


def test_cells_headers_and_names_are_those_of_the_table():
    assert rows(to_gt(TABLE))[:4] == [
        ["C & D"],
        ["", "<i>a", "", ""],
        ["<p>x", "<b>1", "2", "*"],
        ["y", "3", "4", ""],
    ]


def test_what_stands_around_the_table_becomes_notes():
    document = Document(title="Title", blocks=(Facts((("Test", "F = 1"),)), TABLE))
    page = to_gt(document, groups=["one", "two"]).as_raw_html()
    for text in ("Title", "C &amp; D", "Test: F = 1", "below", ">one<", ">two<"):
        assert text in page
    assert "---" not in page


@pytest.fixture(scope="module")
def fit():
    data = pylme.datasets.load("sleepstudy")
    return pylme.lmer("Reaction ~ Days + (Days | Subject)", data, engine="numpy")


OF_FITS = {
    "summary": lambda fit: fit.summary(),
    "coef_test": lambda fit: fit.coef_test(),
    "test": lambda fit: fit.test("Days = 10"),
    "anova": lambda fit: fit.anova(),
    "emmeans": lambda fit: fit.emmeans("Days", at={"Days": [0, 9]}),
    "contrast": lambda fit: fit.emmeans("Days", at={"Days": [0, 9]}).contrast("pairwise"),
    "table": pylme.table,
    "varcorr": lambda fit: fit.varcorr,
}


@pytest.mark.parametrize("name", OF_FITS)
def test_the_numbers_are_those_that_are_printed(fit, name):
    record = OF_FITS[name](fit)
    page, text = record.to_gt().as_raw_html(), str(record)
    described = record.describe()
    tables = [described] if isinstance(described, Table) else described.blocks
    table = next(each for each in tables if isinstance(each, Table) and "0.07" not in str(each))
    for row in table.rows:
        for cell in row:
            assert cell.strip() in text
            assert cell.strip().replace("<", "&lt;") in page


def test_a_summary_has_both_kinds_of_effects(fit):
    found = rows(fit.summary().to_gt())
    names = [row[0] for row in found]
    assert names.index("Fixed effects") < names.index("Days") < names.index("Random effects")
    assert ["sd Days | Subject", "5.922", "", ""] in found
    assert ["corr (Intercept), Days | Subject", "0.07", "", ""] in found


def test_without_great_tables_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "great_tables", None)
    with pytest.raises(MissingPackageError, match=r"(?s)\[tables\].*pip install great-tables"):
        to_gt(TABLE)
