"""LaTeX reads back as the cells it was made of, and holds no command of the content's."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from pylme.render import Document, Facts, Lines, Table, to_latex
from pylme.render.latex import escape_latex
from pylme.render.text import printable
from tests.render.nasty import TEXTS, documents, tables

#: What LaTeX typesets for each of the marks that we write.
TYPESET = {
    r"\textbackslash{}": "\\", r"\textasciicircum{}": "^", r"\textasciitilde{}": "~",
    r"\textless{}": "<", r"\textgreater{}": ">", r"\textbar{}": "|", r"\textquotedbl{}": '"',
    r"\textasciigrave{}": "`", r"\textquotesingle{}": "'", r"\{": "{", r"\}": "}", r"\$": "$",
    r"\&": "&", r"\#": "#", r"\%": "%", r"\_": "_", "-{}": "-", "{[}": "[", "{]}": "]", "{*}": "*",
}  # fmt: skip
MARKS = re.compile("|".join(map(re.escape, sorted(TYPESET, key=len, reverse=True))))


def typeset(text):
    rest = MARKS.sub("", re.sub(r"^\$-([^$]*)\$$", r"\1", text))
    assert not set(rest) & set("\\{}$&#%_^~"), text
    return MARKS.sub(lambda mark: TYPESET[mark[0]], re.sub(r"^\$-([^$]*)\$$", r"-{}\1", text))


@given(TEXTS)
def test_escaped_text_is_typeset_as_it_stands(text):
    assert typeset(escape_latex(text)) == printable(text)


@given(tables())
def test_a_table_reads_back(table):
    lines = to_latex(table).split("\n")
    body = lines[lines.index(r"\toprule") + 1 : lines.index(r"\bottomrule")]
    assert body[1] == r"\midrule"
    rows = [line.removesuffix(r" \\") for line in (body[0], *body[2:])]
    assert all(line.endswith(r" \\") for line in (body[0], *body[2:]))
    cells = [
        [typeset(cell.strip(" ")) for cell in re.split(r"(?<!\\) ?& ?", f" {row} ")] for row in rows
    ]
    got = [[cell.strip(" ") for cell in row] for row in cells]
    expected = [
        [printable(cell.strip(" ")) for cell in row] for row in (table.columns, *table.rows)
    ]
    if table.labels is not None:
        for row, name in zip(expected, ["", *table.labels], strict=True):
            row.insert(0, printable(name.strip(" ")))
    assert got == expected


@given(documents)
def test_environments_are_closed(document):
    open_environments = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", to_latex(document)):
        if kind == "begin":
            open_environments.append(name)
        else:
            assert open_environments.pop() == name
    assert open_environments == []


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("-0.14", "$-0.14$"), ("-1e-05", "$-1e-05$"), ("0.14", "0.14"), ("a-b", "a-{}b")],
)
def test_negative_numbers_have_a_minus(cell, expected):
    assert rf"{expected} \\" in to_latex(Table(columns=("x",), rows=((cell,),))).split("\n")


def test_lines_keep_blanks_and_empty_lines():
    text = to_latex(Lines(("  a", "", "b")))
    assert text.split("\n")[1:-1] == [r"~~a \\", r"\mbox{} \\", "b"]


def test_facts_and_titles():
    text = to_latex(Document(title="A_1", blocks=(Facts((("name", "1\n2"),)),)))
    assert text.split("\n") == [
        r"\textbf{A\_1}", "", r"\begin{tabular}{ll}", r"name & 1 \\", r" & 2 \\", r"\end{tabular}"
    ]  # fmt: skip
