"""`pylme.study`: draw data many times, fit several models to each draw, summarise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pylme.fit import Fit
from pylme.simulation.estimate.record import Collect
from pylme.simulation.study import run_study

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    from pylme.draws.seeds import Seed
    from pylme.options import Engine
    from pylme.simulation.estimate.models import StudyModel
    from pylme.simulation.outcome.result import StudyResult

__all__ = ["study"]


def study(
    simulate: Any,
    models: Mapping[str, str | StudyModel] | str,
    *,
    n: int = 250,
    seed: Seed = None,
    engine: Engine = "numpy",
    n_jobs: int | None = None,
    truth: Mapping[str, Any] | None = None,
    collect: Callable[[Fit], Mapping[str, float]] | None = None,
    check: bool = False,
    progress: bool = False,
    store: str | os.PathLike[str] | None = None,
    reference_blas: bool = False,
) -> StudyResult:
    """Fit several models to many replicates of simulated data.

    Parameters
    ----------
    simulate : Simulator, Fit or callable
        The source of the data: a `pylme.simulator`; a fit, which draws at its estimates; or a
        function that takes a `numpy.random.Generator` and returns a table.
    models : mapping of str to str or StudyModel
        Names to formulas, or to formulas with the options of `lmer`, `glmer` or `glmer_nb`. A
        formula alone is of the family that a simulator or a fit draws from.
    n : int
        Replicates.
    seed : int, SeedSequence or None
        As for `pylme.simulate`. Each replicate has its own child of the seed, so that the results
        do not depend on the number of workers.
    engine : {"numpy", "lme4", "auto"}
        "numpy" fits all replicates of a linear model in one batch, "lme4" fits each by itself;
        "auto" as for `lmer`.
        The default needs no R, gives the same numbers on every machine, and is many times quicker;
        the environment variable PYLME_ENGINE does not change it.
    n_jobs : int or None
        Workers, as in joblib. None means one, or the setting of an active
        `joblib.parallel_config`, which can also distribute the work by dask or ray.
    truth : mapping, optional
        True values by the label of the parameter (``"ses"``, ``"sd__ses | sch.id"``, ``"sigma"``),
        or such mappings by model. A simulator whose parameters are the same in all rows provides
        them.
    collect : callable, optional
        Takes a `Fit` and returns further numbers by name. Each replicate is then fitted on its own.
    check : bool
        Cross-check each fit and keep the verdict. Each replicate is then fitted on its own.
    progress : bool
        Show a bar, in a terminal or a notebook.
    store : path, optional
        A folder in which results are kept as they are computed. An interrupted study that is called
        again continues where it stopped. Needs pyarrow.
    reference_blas : bool
        Run R on the reference BLAS, if there is one, in separate processes: slower for large
        models, but with the same bits on every machine. Where the criterion is flat, the last bit
        decides whether lme4 reports convergence.

    Returns
    -------
    StudyResult
        A fit that fails is a row with its error and does not stop the study. The same holds for a
        replicate that ends its worker process (`WorkerError`).

    Raises
    ------
    OptionError
        If an argument is not one of those allowed.
    FormulaError, DataError
        If a model cannot be fitted to any replicate.
    RUnavailableError
        If the engine is "lme4" and it is not installed.
    MissingPackageError
        If `store` is given and pyarrow is not installed.
    StoreError
        If the store cannot be read or written: a full disk, a folder without permission.

    Warns
    -----
    DamagedStoreWarning
        If files in the store are damaged; their replicates are fitted again.

    Examples
    --------
    >>> import pylme
    >>> grid = pylme.expand_grid(school=range(20), ses=range(10))
    >>> model = pylme.simulator(
    ...     "y ~ ses + (ses | school)", grid, beta=[1, 2], sigma=2,
    ...     covariances={"sd": [2, 1], "corr": 0.4},
    ... )
    >>> found = pylme.study(model, {"slopes": "y ~ ses + (ses | school)"}, n=100, seed=1)
    >>> found
    <StudyResult: 100 replicates of 1 models by numpy, 0 fits failed>
    >>> line = found.summary().estimates.query("over == 'all' and parameter == 'ses'")
    >>> bool(abs(line["bias"].item()) < 4 * line["bias_std_error"].item())
    True
    """
    return run_study(
        simulate, models, n=n, seed=seed, engine=engine, n_jobs=n_jobs, truth=truth,
        collect=None if collect is None else Collect(own=collect, wrap=Fit), check=check,
        progress=progress, store=store, reference_blas=reference_blas,
    )  # fmt: skip
