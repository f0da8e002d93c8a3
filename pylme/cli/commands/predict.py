"""The command `pylme predict`."""

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from cyclopts import Parameter

from pylme.cli.begin import begin
from pylme.cli.model import LINEAR, Ddf, Formula, Model
from pylme.cli.output import TO_TERMINAL, Output, Result, table_of
from pylme.cli.reading import AS_USUAL, Data, Reading

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["predict"]

_NEW_ROWS: Final = (
    "A file of the rows to predict, with the columns that are used. They are given with the "
    "predictions beside them."
)


def predict(
    data: Data,
    formula: Formula,
    /,
    *,
    newdata: Annotated[Data | None, Parameter(help=_NEW_ROWS)] = None,
    random: str = "all",
    new_levels: Literal["error", "population"] = "error",
    interval: Literal["confidence", "prediction"] | None = None,
    kind: Literal["response", "link"] = "response",
    conf_level: float = 0.95,
    ddf: Ddf | None = None,
    model: Model = LINEAR,
    reading: Reading = AS_USUAL,
    output: Output = TO_TERMINAL,
) -> None:
    """Fit a model and predict: the rows of the data, or those of another file.

    Prints CSV, which another program can read; --output writes other forms.

    Parameters
    ----------
    random
        The random effects that are included: "all", "none" for the mean over all groups, the name
        of a grouping factor, or terms such as "(1 | school)".
    new_levels
        Whether a group that the data do not have is an error, or has effects of zero on average.
    interval
        Add intervals for the mean, or for a new observation.
    kind
        The scale of a generalized model's predictions.
    conf_level
        The level of the intervals.
    ddf
        The method of the degrees of freedom of intervals.
    """
    import pandas as pd

    with begin(data, model=model, reading=reading, output=output) as table:
        rows = None if newdata is None else reading.table(newdata)
        fit = model.fit(formula, table)
        found: Any = fit.predict(
            rows, random=random, new_levels=new_levels, interval=interval, kind=kind,
            conf_level=conf_level, ddf=ddf,
        )  # fmt: skip
        frame = found.to_frame() if isinstance(found, pd.Series) else found
        beside = _beside(table if rows is None else rows, frame)
        output.give(
            Result(
                title=f"Predictions of {formula}",
                shown=lambda: table_of(beside),
                frame=lambda: beside,
                is_data=True,
            )
        )


def _beside(rows: "pd.DataFrame", predictions: "pd.DataFrame") -> "pd.DataFrame":
    """Both side by side; a column whose name is taken has a dot after its own."""
    import pandas as pd

    taken = predictions.columns.intersection(rows.columns)
    renamed = predictions.rename(columns={name: f"{name}." for name in taken})
    return pd.concat([rows, renamed], axis=1)
