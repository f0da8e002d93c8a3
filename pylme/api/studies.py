"""The published study that led to pylme: correlations of intercepts and slopes by sector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, get_args

from pylme.errors import OptionError
from pylme.lme4.start import reference_libraries
from pylme.options import Rng, choice, workers
from pylme.results.engine import ENGINES, choose
from pylme.simulation.published_study import Candidate, SectorCorrelation, sectors
from pylme.simulation.published_study import candidates as models_of
from pylme.simulation.study import run_study

if TYPE_CHECKING:
    import os

    from pylme.options import Engine

__all__ = ["SectorCorrelation", "sector_correlation"]

_ALL: Final[tuple[Candidate, ...]] = get_args(Candidate)


def sector_correlation(
    n: int = 250,
    *,
    engine: Engine = "numpy",
    rng: Rng = "numpy",
    seed: int = 1,
    n_jobs: int | None = None,
    candidates: Sequence[Candidate] = _ALL,
    progress: bool = False,
    store: str | os.PathLike[str] | None = None,
) -> SectorCorrelation:
    """Compare models by how well they estimate the correlations of two sectors.

    In one sector of schools, intercepts and slopes have the correlation 0.4, in the other -0.4.
    Four ways to estimate both are compared on the same data: a fit for each sector; the combined
    model ``(ses:sector | sch.id)``; ``(dummy(sector, "0"):ses | sch.id)`` and the same for sector
    1; and two blocks as `pylme.group_specific` writes them.

    Parameters
    ----------
    n : int
        Replicates.
    engine : {"numpy", "lme4", "auto"}
        As for `pylme.study`, with the same default for the same reasons.
    rng : {"numpy", "R"}
        With "R" and engine "lme4", the published study is repeated draw for draw. R then runs on
        the reference BLAS, if there is one, in separate processes: the number of fits of the
        combined model that "converge" depends on the last bit of its arithmetic.
    seed : int
        As for `pylme.simulate`; the published study has 1.
    n_jobs : int or None
        Workers, as for `pylme.study`.
    candidates : sequence of {"separate", "combined", "two dummies", "two blocks"}
        The models to compare. The original study had the first two.
    progress : bool
    store : path, optional
        As for `pylme.study`.

    Returns
    -------
    SectorCorrelation
        The table of means, and in words what each model gets right.

    Raises
    ------
    OptionError
        If an argument is not one of those allowed.
    RUnavailableError
        If R is requested and is not installed.

    Examples
    --------
    >>> import pylme
    >>> found = pylme.studies.sector_correlation(50, candidates=["separate", "two blocks"])
    >>> found.table["mean_0"].round(1).tolist()
    [0.4, 0.4]
    """
    choice("rng", rng, Rng)
    n_jobs = workers("n_jobs", n_jobs)
    if not isinstance(candidates, Sequence) or isinstance(candidates, str) or not candidates:
        allowed = f"a sequence of some of {', '.join(map(repr, _ALL))}"
        raise OptionError(option="candidates", value=candidates, allowed=allowed)
    wanted = tuple(choice("candidates", name, Candidate) for name in candidates)
    chosen = choose(engine, "lmer")
    published = rng == "R" and ENGINES[chosen].uses_r
    found = run_study(
        sectors(rng), models_of(wanted), n=n, seed=seed, engine=chosen,
        n_jobs=n_jobs, progress=progress, store=store, reference_blas=published,
    )  # fmt: skip
    return SectorCorrelation(
        study=found,
        candidates=tuple(name for name in _ALL if name in wanted),
        note=_note(published=published),
    )


def _note(*, published: bool) -> str:
    if not published:
        return "Converged: convergence code 1."
    if reference_libraries():
        return "Converged: convergence code 1, in R on the reference BLAS."
    return (
        "Converged: convergence code 1. There is no reference BLAS here; on another one some "
        "fits of the combined model end with another code."
    )
