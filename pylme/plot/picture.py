"""What all plots have in common: two backends, and the parts of their docstrings that are alike.

A plot makes the frame of its twin and the labels, and hands both to one of two functions: one draws
them on matplotlib's Axes, the other makes a Vega-Lite chart of them. Both take the same arguments.
"""

from __future__ import annotations

import re
from functools import wraps
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, Concatenate, Final, Literal, ParamSpec, TypeVar

from pylme.errors import OptionError
from pylme.options import choice
from pylme.plot.axes import require_matplotlib
from pylme.plot.charts.grammar import altair

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Backend", "drawn", "picture"]

#: What draws: matplotlib a picture, altair an interactive chart for a browser.
Backend = Literal["matplotlib", "altair"]
P = ParamSpec("P")
R = TypeVar("R")

_TITLE: Final = re.compile(r"^(\w+)\n-{3,}\n", re.MULTILINE)
_BACKEND: Final = """\
backend : {"matplotlib", "altair"}
    Who draws: matplotlib, or altair an interactive chart for a browser or a notebook."""
_AX: Final = """\
ax : matplotlib.axes.Axes, optional
    Where matplotlib draws; a new figure if none is given."""
_RETURNS: Final = """\
matplotlib.axes.Axes, or altair's chart
    `ax`, or that of the new figure."""
_MISSING: Final = """\
MissingPackageError
    If matplotlib, or altair where it is asked for, is not installed."""


def picture(twin: Callable[..., Any]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function a plot of what `twin` returns.

    The backend is looked at before anything is computed. The docstring is completed by what the
    twin says of its parameters and errors, and by what is the same in all plots.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def plot(*args: P.args, **kwargs: P.kwargs) -> R:
            if choice("backend", kwargs.get("backend", "matplotlib"), Backend) == "matplotlib":
                require_matplotlib()
            elif kwargs.get("ax") is not None:
                raise OptionError(
                    option="ax", value=kwargs["ax"],
                    allowed='None with backend="altair": Axes are matplotlib\'s',
                )  # fmt: skip
            else:
                altair()
            return function(*args, **kwargs)

        if function.__doc__ and twin.__doc__:
            plot.__doc__ = _completed(function.__doc__, twin.__doc__)
        return plot

    return decorate


def drawn(
    backend: Backend,
    ax: Any,
    on_axes: Callable[Concatenate[Any, P], Any],
    as_chart: Callable[P, Any],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Any:
    """The plot by one of the two backends, which take the same arguments."""
    if backend == "matplotlib":
        return on_axes(ax, *args, **kwargs)
    return as_chart(*args, **kwargs)


def _completed(own: str, twin: str) -> str:
    """The docstring of a plot with all sections."""
    head, mine = _sections(own)
    _, theirs = _sections(twin)
    parameters = [theirs["Parameters"], mine.get("Parameters"), _BACKEND]
    if not re.search(r"^ax :", mine.get("Parameters", ""), re.MULTILINE):
        parameters.append(_AX)
    written: dict[str, str] = {
        "Parameters": "\n".join(filter(None, parameters)),
        "Returns": mine.get("Returns", _RETURNS),
        "Raises": "\n".join(filter(None, [theirs.get("Raises"), mine.get("Raises"), _MISSING])),
        **{name: mine[name] for name in ("References", "Examples") if name in mine},
    }
    return "\n\n".join(
        [head, *(f"{name}\n{'-' * len(name)}\n{text}" for name, text in written.items())]
    )


def _sections(text: str) -> tuple[str, dict[str, str]]:
    head, *rest = _TITLE.split(cleandoc(text))
    named = zip(rest[::2], rest[1::2], strict=True)
    return head.strip(), {name: body.rstrip() for name, body in named}
