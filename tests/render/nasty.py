"""Texts that break a renderer which forgets to escape, and descriptions made of them."""

from __future__ import annotations

from hypothesis import strategies as st

from pylme.render import Document, Facts, Lines, NamedValues, Paragraph, Prose, Table

__all__ = ["TEXTS", "blocks", "documents", "tables"]

_MARKS = st.sampled_from(
    ["<", ">", "&", '"', "'", "|", "\\", "{", "}", "$", "%", "#", "_", "^", "~", "*", "`", "[", "]",
     "-", "!", "\n", "\x00", "</td>", "<script>", "&amp;", r"\end{tabular}", r"\|", "```", " ", "é",
     "中", "0", "-1.5", "---"]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=8), st.lists(_MARKS, max_size=6).map("".join))


@st.composite
def tables(draw: st.DrawFn) -> Table:
    width = draw(st.integers(1, 4))
    height = draw(st.integers(0, 4))
    row = st.tuples(*[TEXTS] * width)
    return Table(
        columns=draw(row),
        rows=draw(st.tuples(*[row] * height)),
        row_names=draw(st.none() | st.tuples(*[TEXTS] * height)),
        align=draw(st.none() | st.tuples(*[st.sampled_from(("left", "right"))] * width)),
        caption=draw(st.none() | TEXTS),
        notes=draw(st.lists(TEXTS, max_size=2).map(tuple)),
    )


_TUPLES = st.lists(TEXTS, min_size=1, max_size=4).map(tuple)
blocks = st.one_of(
    tables(),
    st.builds(Lines, _TUPLES),
    st.builds(
        Prose,
        st.lists(
            st.builds(Paragraph, TEXTS, st.sampled_from((0, 1, 2)), heading=st.booleans()),
            max_size=4,
        ).map(tuple),
    ),
    st.builds(Facts, st.lists(st.tuples(TEXTS, TEXTS), max_size=3).map(tuple)),
    _TUPLES.map(lambda names: NamedValues(names=names, values=names[::-1])),
)
documents = st.builds(
    Document, title=st.none() | TEXTS, blocks=st.lists(blocks, max_size=3).map(tuple)
)
