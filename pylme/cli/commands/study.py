"""The commands `pylme study ...`."""

from typing import Annotated

from cyclopts import App, Parameter

from pylme.cli.begin import begin
from pylme.cli.drawing import (
    AS_FITTED,
    REPLICATES,
    Parameters,
    Replicates,
    drawn_model,
    engine_of_replicates,
)
from pylme.cli.model import LINEAR, Formula, Model
from pylme.cli.output import TO_TERMINAL, Output, Result
from pylme.cli.reading import AS_USUAL, Data, Reading
from pylme.options import Engine, Rng

__all__ = ["study"]

study = App(
    name="study",
    help="Draw data from a model many times, fit one or more models to each, and summarise.",
    usage="Usage: pylme study [OPTIONS] DATA FORMULA [FORMULA...]",
)


@study.default
def of_models(
    data: Data,
    formula: Formula,
    /,
    *formulas: str,
    store: str | None = None,
    conf_level: float = 0.95,
    replicates: Replicates = REPLICATES,
    parameters: Parameters = AS_FITTED,
    model: Model = LINEAR,
    reading: Reading = AS_USUAL,
    output: Output = TO_TERMINAL,
) -> None:
    """Draw data from a model many times, fit one or more models to each, and summarise.

    Gives means, biases, errors and coverage of the estimates with their Monte Carlo standard
    errors. Data are drawn from the first model, as it is fitted or with the parameters given.

    Parameters
    ----------
    formulas
        Further models that are fitted to what the first one draws.
    store
        A folder where results are kept; an interrupted study that is called again continues there.
    conf_level
        The level of the intervals whose coverage is counted.
    """
    import pylme

    arguments = replicates.arguments()
    with begin(data, model=model, reading=reading, output=output) as table:
        found = pylme.study(
            parameters.source(model, formula, table),
            {each: drawn_model(model, each) for each in (formula, *formulas)},
            engine=engine_of_replicates(model),
            store=store,
            **arguments,
        ).summary(conf_level=conf_level)
        output.give(
            Result(
                title=f"Study of {formula}",
                shown=found.describe,
                frame=found.to_frame,
                width=120,
            )
        )


@study.command(name="sector-correlation")
def sector_correlation(
    *,
    n: int = 250,
    engine: Engine = "numpy",
    rng: Rng = "numpy",
    seed: int = 1,
    n_jobs: Annotated[int, Parameter(name=["--n-jobs", "--jobs"])] = 1,
    store: str | None = None,
    quiet: bool = False,
    output: Output = TO_TERMINAL,
) -> None:
    """Try which of four models finds the correlations of intercepts and slopes in two sectors.

    With --engine lme4 --rng R it is the study that was published in 2020, draw for draw.

    Parameters
    ----------
    n
        Replicates.
    engine
        What fits the models. "lme4" is much slower; "auto" is "lme4" where R is
        there, else "numpy".
    rng
        Whose random numbers are drawn.
    seed
        Of the first replicate with R, of all with numpy.
    n_jobs
        Worker processes.
    store
        A folder where results are kept; an interrupted study that is called again continues there.
    quiet
        Show no progress.
    """
    import pylme
    from pylme.cli.console import progress_shown, warnings_on_stderr
    from pylme.options import whole_number

    output.require_place()
    whole_number("--n-jobs", n_jobs, least=1)
    with warnings_on_stderr():
        found = pylme.studies.sector_correlation(
            n, engine=engine, rng=rng, seed=seed, n_jobs=n_jobs, store=store,
            progress=progress_shown(quiet=quiet),
        )  # fmt: skip
        output.give(
            Result(
                title="Correlations of intercepts and slopes by sector",
                shown=found.describe,
                frame=lambda: found.table,
            )
        )
