"""What describes itself once and is shown in every form."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from pylme.render.gt import to_gt
from pylme.render.html import to_html
from pylme.render.latex import to_latex
from pylme.render.markdown import to_markdown
from pylme.render.text import to_text

if TYPE_CHECKING:
    from great_tables import GT

    from pylme.render.document import Document, Table

__all__ = ["Rendered", "RenderedTable"]


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


class RenderedTable(Rendered):
    """Gives what is described by one table a form for great_tables too."""

    __slots__ = ()

    def to_gt(self) -> GT:
        """A table of the package great_tables, to be styled further.

        Its columns are ``name`` and ``c0``, ``c1``, …, in the order shown.

        Raises
        ------
        MissingPackageError
            If great_tables is not installed; the extra ``[tables]`` includes it.
        """
        return to_gt(self.describe())
