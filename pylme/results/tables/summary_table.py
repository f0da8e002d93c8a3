"""The summary of a fit as one table: its fixed effects, and its standard deviations below them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pylme.render import Document, Paragraph, Prose, to_gt
from pylme.render.numbers import format_numbers
from pylme.results.tables.components import components

if TYPE_CHECKING:
    from great_tables import GT

    from pylme.render import Table
    from pylme.results.varcorr import VarCorr

__all__ = ["one_table"]


def one_table(
    fixed: Table, varcorr: VarCorr, *, title: str, notes: tuple[str, ...], digits: int
) -> GT:
    """A table of great_tables.

    Parameters
    ----------
    fixed : Table
        Of the fixed effects, the estimates in its first column.
    varcorr : VarCorr
    title : str
    notes : tuple of str
    digits : int
        Significant digits of the standard deviations.
    """
    values = components(varcorr)
    correlations = {name: f"{r:.2f}" for name, r in values.items() if name.startswith("corr ")}
    deviations = [name for name in values if name not in correlations]
    shown = format_numbers([values[name] for name in deviations], digits=digits)
    texts = dict(zip(deviations, shown, strict=True)) | correlations
    blank = ("",) * (len(fixed.columns) - 1)
    table = replace(
        fixed,
        rows=(*fixed.rows, *((texts[name], *blank) for name in values)),
        row_names=(*(fixed.row_names or ()), *values),
        caption=None,
    )
    groups = ["Fixed effects"] * len(fixed.rows) + ["Random effects"] * len(values)
    said = Prose(tuple(map(Paragraph, notes)))
    return to_gt(Document(title=title, blocks=(said, table)), groups=groups)
