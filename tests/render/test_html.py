"""HTML parses back to the cells it was made of, whatever they hold."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given

from pylme.render import Document, Facts, Lines, Paragraph, Prose, Table, to_html, to_text
from pylme.render.text import printable
from tests.render.nasty import blocks, documents, tables

TAGS = {
    "div", "p", "strong", "small", "pre", "br", "ul", "li",
    "table", "caption", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip


class Reader(HTMLParser):
    """Cells by row, texts by tag, and a check that tags are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.rows, self.texts, self.attributes = [], [], {}, set()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert tag in TAGS
        self.attributes |= {name for name, _ in attrs}
        if tag == "br":
            return
        self.open.append(tag)
        self.texts.setdefault(tag, []).append("")
        if tag == "tr":
            self.rows.append([])
        if tag in {"th", "td"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts[self.open[-1]][-1] += data
        if self.open and self.open[-1] in {"th", "td"}:
            self.rows[-1][-1] += data


def shown(text):
    return printable(text.strip(" "))


@given(tables())
def test_a_table_parses_back(table):
    read = Reader(to_html(table))
    expected = [list(map(shown, table.columns)), *(list(map(shown, row)) for row in table.rows)]
    if table.labels is not None:
        for row, name in zip(expected, ["", *table.labels], strict=True):
            row.insert(0, shown(name))
    assert read.rows == expected
    assert ("caption" in read.texts) == (table.caption is not None)


@given(documents | blocks)
def test_nothing_of_the_content_becomes_markup(what):
    read = Reader(to_html(what))
    assert read.attributes <= {"class", "style", "scope"}


def test_lines_keep_their_blanks():
    read = Reader(to_html(Lines(("  a  b", "", "<c>"))))
    assert read.texts["pre"] == ["\n  a  b\n\n<c>"]


def test_values_of_several_lines_are_broken():
    assert "1<br>2" in to_html(Facts((("a", "1\n2"),)))


def test_rules_are_left_out_and_other_notes_shown():
    table = Table(columns=("a",), rows=(("1",),), notes=("---", "Signif. codes"))
    assert Reader(to_html(table)).texts["small"] == ["Signif. codes"]


def test_a_document_shows_title_and_blocks_in_order():
    text = to_html(Document(title="A & B", blocks=(Lines(("first",)), Lines(("second",)))))
    assert text.index("A &amp; B") < text.index("first") < text.index("second")


def test_paragraphs_and_items_are_not_broken():
    long = " ".join(["word"] * 40)
    prose = Prose((Paragraph("A:", heading=True), Paragraph(long, 1), Paragraph("below", 2)))
    read = Reader(to_html(prose))
    assert read.texts["strong"] == ["A:"]
    assert [text.split() for text in read.texts["li"]] == [[*["word"] * 40, "below"]]


def test_names_are_whole_where_plain_text_shortens_them():
    table = Table(
        columns=("whole",), rows=(("1",),), row_names=("row",),
        plain_columns=("wh",), plain_row_names=("r",),
    )  # fmt: skip
    assert Reader(to_html(table)).rows == [["", "whole"], ["row", "1"]]
    assert to_text(table) == "  wh\nr  1"


def test_the_cells_of_a_table_touch():
    text = to_html(Table(columns=("a",), rows=(("1",),)))
    assert "border-collapse: collapse" in text
    assert "spacing" not in text
