"""What describes itself once and is shown in every form."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from pylme.render.html import to_html
from pylme.render.latex import to_latex
from pylme.render.markdown import to_markdown
from pylme.render.text import to_text

if TYPE_CHECKING:
    from pylme.render.document import Document, Table

__all__ = ["Rendered"]


class Rendered(ABC):
    """Gives a class with `describe` its forms as text, HTML, LaTeX and Markdown.

    A notebook takes the HTML; there is no ``_repr_latex_``, which some front ends would prefer
    and cannot typeset.
    """

    __slots__ = ()

    @abstractmethod
    def describe(self) -> Document | Table:
        """What there is to show, before any form is chosen."""

    def __str__(self) -> str:
        return to_text(self.describe())

    def to_html(self) -> str:
        """HTML without external resources."""
        return to_html(self.describe())

    def to_latex(self) -> str:
        """LaTeX, for a preamble that loads booktabs."""
        return to_latex(self.describe())

    def to_markdown(self) -> str:
        """Markdown with tables as GitHub reads them."""
        return to_markdown(self.describe())

    def _repr_html_(self) -> str:
        return self.to_html()
