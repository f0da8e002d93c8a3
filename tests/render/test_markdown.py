"""Markdown reads back, by the rules of GitHub's tables, as the cells it was made of."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given

from pylme.render import Document, Facts, Lines, Table, to_markdown
from pylme.render.markdown import escape_markdown
from pylme.render.text import printable
from tests.render.nasty import TEXTS, documents, tables

#: A backslash before ASCII punctuation makes it literal (CommonMark, section 2.4).
ESCAPED = re.compile(rf"\\([{re.escape(string.punctuation)}])")


def read(text):
    return ESCAPED.sub(r"\1", text)


def cells(line):
    """The cells between the unescaped bars of a line."""
    parts = re.findall(r"(?:\\.|[^|\\])*", line.removeprefix("|").removesuffix("|"))
    return [read(part).strip(" ") for part in parts[::2]]


@given(TEXTS)
def test_escaped_text_reads_as_it_stands(text):
    marked = escape_markdown(text)
    assert read(marked) == printable(text)
    assert not re.search(r"[*_`<>\[\]|~&$]", re.sub(r"\\.", "", marked))


@given(tables())
def test_a_table_reads_back(table):
    lines = [line for line in to_markdown(table).split("\n") if line.startswith("| ")]
    got = [cells(line) for line in (lines[0], *lines[2 : 2 + len(table.rows)])]
    expected = [
        [printable(cell.strip(" ")) for cell in row] for row in (table.columns, *table.rows)
    ]
    if table.labels is not None:
        for row, name in zip(expected, ["", *table.labels], strict=True):
            row.insert(0, printable(name.strip(" ")))
    assert [[cell.strip(" ") for cell in row] for row in expected] == got
    bars = {"left": ":--", "right": "--:"}
    wanted = [bars[align] for align in table.alignment]
    assert cells(lines[1]) == ([":--", *wanted] if table.labels is not None else wanted)


@given(documents)
def test_lines_do_not_leave_their_fence(document):
    text = "\n" + to_markdown(document) + "\n"
    for block in document.blocks:
        if isinstance(block, Lines):
            inside = "\n".join(map(printable, block.lines))
            match = re.search(rf"\n(`{{3,}})\n{re.escape(inside)}\n\1\n", text)
            assert match
            assert match[1] not in inside


@pytest.mark.parametrize("text", ["# a", "- a", "+ a", "1. a", "2) a", "---", "===", "> a"])
def test_a_line_does_not_begin_as_a_heading_list_or_rule(text):
    assert not re.match(r"#|[-+>=]|\d+[.)]", escape_markdown(text))


def test_facts_are_a_list():
    document = Document(title="T", blocks=(Facts((("a_b", "1\n2"), ("c", "3"))),))
    assert to_markdown(document) == "**T**\n\n- **a\\_b:** 1 2\n- **c:** 3"


def test_caption_and_notes_are_paragraphs():
    table = Table(columns=("a",), rows=(("1",),), caption="C", notes=("---", "n"))
    assert to_markdown(table) == "**C**\n\n| a |\n| --: |\n| 1 |\n\nn"
