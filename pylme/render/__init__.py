"""Rendering: one description of the content, rendered in several forms."""

from pylme.render.document import (
    LEFT,
    Align,
    Block,
    Document,
    Facts,
    Lines,
    NamedValues,
    Paragraph,
    Prose,
    Table,
)
from pylme.render.from_frame import frame_table
from pylme.render.gt import to_gt
from pylme.render.html import to_html
from pylme.render.latex import to_latex
from pylme.render.markdown import to_markdown
from pylme.render.rendered import Rendered, RenderedTable
from pylme.render.text import to_text

__all__ = [
    "LEFT",
    "Align",
    "Block",
    "Document",
    "Facts",
    "Lines",
    "NamedValues",
    "Paragraph",
    "Prose",
    "Rendered",
    "RenderedTable",
    "Table",
    "frame_table",
    "to_gt",
    "to_html",
    "to_latex",
    "to_markdown",
    "to_text",
]
