"""The Axes that a plot is drawn in, its colours and labels: the only place that needs matplotlib.

Figures are made without pyplot, so that no figure is left open and no setting of the caller
changes. In a notebook it is pyplot that displays a figure, so pylme's Axes display theirs
themselves.

The colours are those of Okabe and Ito (2008), Color universal design, which colour-blind readers
can distinguish. Each has its own marker and line style, so that a plot can be printed in grey.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pylme.errors import MissingPackageError, OptionError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "BAND", "BLUE", "GREY", "ORANGE", "STYLES", "Style", "axes", "ink", "is_axes", "panels",
    "require_matplotlib", "shown",
]  # fmt: skip

BLUE: Final = "#0072b2"
ORANGE: Final = "#d55e00"
GREY: Final = "#999999"
#: Of a band, which is grey on any background.
BAND: Final[dict[str, Any]] = {"color": GREY, "alpha": 0.3, "linewidth": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How one of several things is drawn."""

    color: str
    marker: str
    line: str


STYLES: Final = tuple(
    Style(color=color, marker=marker, line=line)
    for color, marker, line in (
        (BLUE, "o", "-"),
        (ORANGE, "s", "--"),
        ("#009e73", "^", "-."),
        ("#cc79a7", "D", ":"),
        ("#e69f00", "v", "-"),
        ("#56b4e9", "P", "--"),
        ("#000000", "X", "-."),
    )
)


def shown(name: object, *, most: int = 40) -> str:
    """A name for matplotlib to show literally, shortened to `most` characters.

    A dollar sign would begin a formula; a leading underscore would hide the name from a legend.
    """
    text = str(name)
    if len(text) > most:
        text = f"{text[: most - 1]}…"
    return text.replace("$", r"\$").replace("_", " _", 1 if text.startswith("_") else 0)


#: Dots an inch of what a notebook shows: twice its own, for sharp letters.
DPI: Final = 144


def axes(ax: Axes | None, *, width: float = 6.4, height: float = 4.8) -> Axes:
    """The caller's Axes, or those of a new figure.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
    width, height : float
        Of a new figure, in inches.

    Raises
    ------
    MissingPackageError
        If matplotlib is not installed.
    OptionError
        If `ax` is something else.
    """
    kind = _axes_that_show()
    if ax is None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(width, height), layout="constrained")
        made: Axes = figure.add_subplot(axes_class=kind)
        made.spines[["top", "right"]].set_visible(False)
        return made
    if not isinstance(ax, kind.__bases__):
        raise OptionError(option="ax", value=ax, allowed="a matplotlib Axes, one for a plot")
    return ax


class Panels(np.ndarray[Any, Any]):
    """The Axes of a plot of several panels, which a notebook shows as one figure."""

    @property
    def figure(self) -> Figure:
        """The figure that they are in."""
        figure: Figure = self.flat[0].figure
        return figure

    def _repr_png_(self) -> tuple[bytes, dict[str, Any]] | None:
        show = getattr(self.flat[0], "_repr_png_", None) if self.size else None
        png: tuple[bytes, dict[str, Any]] | None = show() if callable(show) else None
        return png


def panels(
    ax: Any,
    count: int,
    *,
    wide: int | None = None,
    size: tuple[float, float] = (1.9, 1.8),
    share: bool = True,
) -> tuple[Panels, Figure | None]:
    """As many Axes as there are panels: the caller's, or those of a new figure.

    Parameters
    ----------
    ax : sequence of matplotlib.axes.Axes, or None
    count : int
    wide : int, optional
        Panels in a row.
    size : tuple of two floats
        Width and height of a panel, in inches.
    share : bool
        Whether all panels of a new figure have the same scales.

    Returns
    -------
    Panels, shape (count,)
    Figure or None
        The new figure.

    Raises
    ------
    OptionError
        If `ax` has another number of Axes.
    """
    kind = _axes_that_show()
    if ax is not None:
        given = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()
        if len(given) < count or not all(isinstance(one, kind.__bases__) for one in given):
            allowed = f"{count} matplotlib Axes, one for each panel"
            raise OptionError(option="ax", value=ax, allowed=allowed)
        return given[:count].view(Panels), None
    from matplotlib.figure import Figure

    if wide is None:
        wide = min(count, max(3, round(count**0.5 * 1.2)))
    high = -(-count // wide)
    figure = Figure(figsize=(size[0] * wide + 0.6, size[1] * high + 0.8), layout="constrained")
    grid = figure.subplots(
        high, wide, sharex=share, sharey=share, squeeze=False, subplot_kw={"axes_class": kind}
    ).ravel()
    for one in grid:
        one.spines[["top", "right"]].set_visible(False)
    for empty in grid[count:]:
        empty.set_visible(False)
    for above in range(max(0, count - wide), count):
        grid[above].tick_params(labelbottom=True)
    return grid[:count].view(Panels), figure


def is_axes(ax: object) -> bool:
    """Whether it is one Axes, and no sequence of them."""
    return ax is not None and isinstance(ax, _axes_that_show().__bases__)


def require_matplotlib() -> None:
    """Raise if matplotlib is not installed.

    Raises
    ------
    MissingPackageError
    """
    _axes_that_show()


def ink(ax: Axes) -> Any:
    """The colour of the text around a plot: dark on a light background, light on a dark one."""
    return ax.xaxis.label.get_color()


@cache
def _axes_that_show() -> type[Axes]:
    try:
        from matplotlib.axes import Axes
    except ImportError as error:
        raise MissingPackageError(
            package="matplotlib", extra="plot", asked="Drawing a plot"
        ) from error

    class Picture(Axes):
        """Axes that a notebook shows, with the figure around them."""

        def _repr_png_(self) -> tuple[bytes, dict[str, Any]] | None:
            figure = self.get_figure(root=True)
            if figure is None:
                return None
            file = BytesIO()
            figure.savefig(file, format="png", dpi=DPI)
            width, height = figure.get_size_inches() * DPI / 2
            return file.getvalue(), {"width": round(width), "height": round(height)}

    return Picture
