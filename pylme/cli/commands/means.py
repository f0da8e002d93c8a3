"""The command `pylme means`."""

from typing import Annotated, Any, Literal

from cyclopts import Parameter

from pylme.cli.begin import begin
from pylme.cli.model import LINEAR, Ddf, Formula, Model
from pylme.cli.output import TO_TERMINAL, Output, result_of
from pylme.cli.reading import AS_USUAL, Data, Reading
from pylme.errors import OptionError

__all__ = ["means"]


def means(
    data: Data,
    formula: Formula,
    /,
    *specs: str,
    by: Annotated[tuple[str, ...], Parameter(consume_multiple=True)] = (),
    contrast: Literal["pairwise", "trt.vs.ctrl", "poly", "eff", "del.eff", "consec"] | None = None,
    adjust: Literal[
        "tukey", "sidak", "bonferroni", "holm", "bh", "scheffe", "mvt", "dunnettx", "none"
    ]
    | None = None,
    weights_of: Literal["equal", "proportional", "outer", "cells", "flat"] = "equal",
    slope: str | None = None,
    kind: Literal["link", "response"] = "link",
    conf_level: float = 0.95,
    ddf: Ddf | None = None,
    model: Model = LINEAR,
    reading: Reading = AS_USUAL,
    output: Output = TO_TERMINAL,
) -> None:
    """Fit a model and print marginal means, or slopes, and contrasts of them.

    Parameters
    ----------
    specs
        The predictors whose combinations have a mean.
    by
        Predictors within whose levels means are compared.
    contrast
        Print these contrasts instead of the means.
    adjust
        How p-values and intervals are adjusted for the number of contrasts.
    weights_of
        The weights of the combinations that a mean is an average over.
    slope
        Slopes of this numeric predictor in place of means.
    kind
        The scale: of the linear predictor, or of the response.
    conf_level
        The level of the intervals.
    ddf
        The method of the degrees of freedom: "kenward-roger" for linear models if none is named.
    """
    if adjust is not None and contrast is None:
        raise OptionError(option="--adjust", value=adjust, allowed="it with --contrast")
    if slope is not None and kind == "response":
        raise OptionError(option="--kind", value=kind, allowed="it without --slope")
    with begin(data, model=model, reading=reading, output=output) as table:
        fit = model.fit(formula, table)
        asked: dict[str, Any] = {
            "by": list(by) or None, "weights": weights_of, "conf_level": conf_level, "ddf": ddf,
        }  # fmt: skip
        found: Any = (
            fit.emmeans(list(specs), kind=kind, **asked)
            if slope is None
            else fit.emtrends(slope, list(specs), **asked)
        )
        if contrast is not None:
            found = found.contrast(contrast, adjust=adjust)
        output.give(result_of(found, title=f"Marginal means of {formula}"))
