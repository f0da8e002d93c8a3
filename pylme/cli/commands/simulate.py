"""The command `pylme simulate`."""

from pylme.cli.begin import begin
from pylme.cli.drawing import AS_FITTED, Parameters
from pylme.cli.model import LINEAR, Formula, Model
from pylme.cli.output import TO_TERMINAL, Output, Result, table_of
from pylme.cli.reading import AS_USUAL, Data, Reading
from pylme.errors import OptionError

__all__ = ["simulate"]


def simulate(
    data: Data,
    formula: Formula,
    /,
    *,
    n: int = 1,
    seed: int | None = None,
    random: str = "none",
    parameters: Parameters = AS_FITTED,
    model: Model = LINEAR,
    reading: Reading = AS_USUAL,
    output: Output = TO_TERMINAL,
) -> None:
    """Draw responses from a model: as it is fitted to the data, or with the parameters given.

    Gives the rows of the data with the columns sim_1, sim_2, ... beside them, printed as CSV.

    Parameters
    ----------
    n
        How many responses are drawn.
    seed
        Of the random numbers; the same seed gives the same responses.
    random
        The random effects that are held at their estimates: "none", "all", the name of a grouping
        factor, or terms such as "(1 | school)".
    """
    import pandas as pd

    if random != "none" and parameters != AS_FITTED:
        raise OptionError(
            option="--random", value=random, allowed="it without parameters that are given"
        )
    with begin(data, model=model, reading=reading, output=output) as table:
        if parameters == AS_FITTED:
            drawn = model.fit(formula, table).simulate(n, seed=seed, random=random)
        else:
            y = parameters.simulator(model, formula, table).draw(n, seed=seed).y
            drawn = pd.DataFrame({f"sim_{i + 1}": y[:, i] for i in range(n)})
        frame = pd.concat([table, drawn], axis=1)
        output.give(
            Result(
                title=f"Responses drawn from {formula}",
                shown=lambda: table_of(frame),
                frame=lambda: frame,
                is_data=True,
            )
        )
