"""The Axes that a picture is drawn in: the one place that asks for matplotlib.

Figures are made without pyplot, so that no figure is left open and no setting of the caller's is
touched. pyplot is also what makes a notebook show a figure, so our own Axes show theirs themselves.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from pylme.errors import MissingPackageError, OptionError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["axes"]

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
        raise OptionError(option="ax", value=ax, allowed="a matplotlib Axes, one for a picture")
    return ax


@cache
def _axes_that_show() -> type[Axes]:
    try:
        from matplotlib.axes import Axes
    except ImportError as error:
        raise MissingPackageError(
            package="matplotlib", extra="plot", asked="Drawing a picture"
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
