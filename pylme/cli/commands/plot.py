"""The command `pylme plot`."""

import inspect
from typing import Any, Literal

from pylme.cli.begin import begin
from pylme.cli.model import LINEAR, Formula, Model
from pylme.cli.output import TO_TERMINAL, Output, Result, table_of
from pylme.cli.reading import AS_USUAL, Data, Reading
from pylme.errors import OptionError

__all__ = ["plot"]

Kind = Literal[
    "caterpillar", "coefficients", "convergence", "emmeans", "influence", "predictions", "profile",
    "profile-pairs", "random-effects", "random-effects-qq", "residuals", "shrinkage",
    "simulated-residuals", "varcorr",
]  # fmt: skip


def plot(
    data: Data,
    formula: Formula,
    kind: Kind,
    /,
    *,
    group: str | None = None,
    effect: str | None = None,
    x: str | None = None,
    by: str | None = None,
    specs: tuple[str, ...] = (),
    parameters: tuple[str, ...] = (),
    against: str | None = None,
    conf_level: float | None = None,
    model: Model = LINEAR,
    reading: Reading = AS_USUAL,
    output: Output = TO_TERMINAL,
) -> None:
    """Fit a model and draw a plot of it into the file --output: .png, .svg, .pdf or .html.

    A file of another ending gets the numbers that are drawn; without --output they are printed.

    Parameters
    ----------
    kind
        What is drawn.
    group
        The grouping factor.
    effect
        The random effect of a caterpillar or a quantile plot.
    x
        The predictor on the horizontal axis of predictions.
    by
        The factor whose levels are told apart; for influence, what is left out.
    specs
        The predictors of marginal means. Repeat it for several.
    parameters
        The parameters that are profiled. Repeat it for several.
    against
        For residuals "fitted" or "normal", for simulated residuals "uniform" or "fitted".
    conf_level
        The level of the intervals.
    """
    import pandas as pd

    from pylme.cli.fit_page import picture
    from pylme.cli.page import page

    name = kind.replace("-", "_")
    arguments = _arguments(
        kind,
        group=group, effect=effect, x=x, by=by, specs=list(specs) or None,
        parameters=list(parameters) or None, against=against, conf_level=conf_level,
    )  # fmt: skip
    with begin(data, model=model, reading=reading, output=output, pictures=True) as table:
        pictures = model.fit(formula, table).plot

        def frame() -> Any:
            found = getattr(pictures, f"{name}_data")(**arguments)
            return found if isinstance(found.index, pd.RangeIndex) else found.reset_index()

        def figure() -> Any:
            return _figure(getattr(pictures, name)(**arguments))

        output.give(
            Result(
                title=f"{kind} of {formula}",
                shown=lambda: table_of(frame()),
                frame=frame,
                is_data=True,
                figure=figure,
                html=lambda: page(f"{kind} of {formula}", picture(figure(), formula)),
            )
        )


def _arguments(kind: str, **given: Any) -> dict[str, Any]:
    """The options that are given, all of which the plot has."""
    import pylme

    asked = {name: value for name, value in given.items() if value is not None}
    taken = inspect.signature(getattr(pylme.plot, kind.replace("-", "_"))).parameters
    for name, value in asked.items():
        if name not in taken:
            raise OptionError(
                option=f"--{name.replace('_', '-')}", value=value, allowed=f"it without {kind}"
            )
    return asked


def _figure(axes: Any) -> Any:
    """The figure of one Axes or several."""
    import numpy as np

    return np.ravel(axes)[0].figure
