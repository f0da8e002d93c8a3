"""The command `pylme bootstrap`."""

from typing import Literal

from pylme.cli.begin import begin
from pylme.cli.drawing import REPLICATES, Replicates
from pylme.cli.model import LINEAR, Formula, Model
from pylme.cli.output import TO_TERMINAL, Output, Result, table_of
from pylme.cli.reading import AS_USUAL, Data, Reading

__all__ = ["bootstrap"]


def bootstrap(
    data: Data,
    formula: Formula,
    /,
    *,
    kind: Literal["percentile", "basic", "bca"] = "percentile",
    conf_level: float = 0.95,
    all_replicates: bool = False,
    replicates: Replicates = REPLICATES,
    model: Model = LINEAR,
    reading: Reading = AS_USUAL,
    output: Output = TO_TERMINAL,
) -> None:
    """Fit a model again to data drawn from it: standard errors, biases and intervals.

    Parameters
    ----------
    kind
        How the intervals are made.
    conf_level
        The level of the intervals.
    all_replicates
        Give the estimates of each replicate, printed as CSV, in place of the table.
    """
    arguments = replicates.arguments()
    with begin(data, model=model, reading=reading, output=output) as table:
        found = model.fit(formula, table).bootstrap(**arguments)
        if all_replicates:
            frame = found.replicates.reset_index()
        else:
            ends = found.intervals(kind, conf_level=conf_level)[["conf_low", "conf_high"]]
            frame = found.to_frame().join(ends).reset_index(names="term")
        caption = (
            f"Parametric bootstrap: {len(found)} replicates by {found.engine}, "
            f"{found.n_failed} failed, {found.n_singular} singular; {kind} intervals at "
            f"{conf_level:g}"
        )
        output.give(
            Result(
                title=f"Bootstrap of {formula}",
                shown=lambda: table_of(frame, caption=caption),
                frame=lambda: frame,
                width=120,
                is_data=all_replicates,
            )
        )
