"""The commands `pylme study ...`."""

from typing import Annotated

from cyclopts import App, Parameter

from pylme.options import Engine, Rng

__all__ = ["study"]

study = App(name="study", help="Run a simulation study.")


@study.command(name="sector-correlation")
def sector_correlation(
    *,
    n: int = 250,
    engine: Engine = "numpy",
    rng: Rng = "numpy",
    seed: int = 1,
    n_jobs: Annotated[int, Parameter(name=["--n-jobs", "--jobs"])] = 1,
    store: str | None = None,
    quiet: Annotated[bool, Parameter(negative="")] = False,
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

    whole_number("--n-jobs", n_jobs, least=1)
    with warnings_on_stderr():
        found = pylme.studies.sector_correlation(
            n,
            engine=engine,
            rng=rng,
            seed=seed,
            n_jobs=n_jobs,
            store=store,
            progress=progress_shown(quiet=quiet),
        )
        print(found)
