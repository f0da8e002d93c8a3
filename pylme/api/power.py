"""`pylme.power`: how often a test rejects a false null hypothesis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd

from pylme.draws.seeds import seeds_of
from pylme.errors import OptionError
from pylme.inference.likelihood_ratio_tests.reference_distribution import simulated_p
from pylme.options import choice, is_number, optional_text, true_or_false, whole_number, workers
from pylme.simulation.draw.simulator import Simulator
from pylme.simulation.draw.sources import family_of, source_of
from pylme.simulation.estimate.models import read_models
from pylme.simulation.testing.likelihood_ratio import likelihood_ratio
from pylme.simulation.testing.power import Power
from pylme.simulation.testing.wald import Wald

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.draws.seeds import Seed, Seeds
    from pylme.options import Engine
    from pylme.simulation.draw.sources import Source
    from pylme.simulation.estimate.models import StudyModel
    from pylme.simulation.testing.hypothesis import Hypothesis

__all__ = ["power"]

Reference = Literal["asymptotic", "simulated"]
#: The child of a seed whose children draw under the null hypothesis: no replicate has its number.
_OF_NULL: Final = 2**32 - 1


def power(
    simulate: Any,
    model: str | StudyModel,
    *,
    test: str | None = None,
    null: str | None = None,
    reference: Reference = "asymptotic",
    df: float | None = None,
    n: int = 1000,
    alpha: float = 0.05,
    seed: Seed = None,
    engine: Engine = "numpy",
    n_jobs: int | None = None,
    progress: bool = False,
) -> Power:
    """The power of a test of a fixed effect or of variance components.

    Parameters
    ----------
    simulate : Simulator, Fit or callable; or a mapping of names to them
        The source of the data, as for `pylme.study`; each of several designs has its own line.
    model : str or StudyModel
        The model that is fitted.
    test : str, optional
        The fixed effect of a Wald test, by R's coefficient name.
    null : str, optional
        Or the formula of a smaller model, for a likelihood ratio test. It may lack some fixed
        effects, and then both models are fitted by maximum likelihood; or some or all random
        effects. If it lacks one random effect, whose variance lies on the boundary under the null
        hypothesis, the reference distribution is a mixture of two chi-squared distributions.
    reference : {"asymptotic", "simulated"}
        What the statistic is compared with: its distribution in large samples, or `n` statistics
        of data drawn with the tested parameters set to zero, which is valid in small samples and
        for several random effects too.
    df : float, optional
        With `test`: degrees of freedom of t, which then replaces the normal distribution.
    n : int
        Replicates.
    alpha : float
        The level of the test.
    seed, engine, n_jobs, progress
        As for `pylme.study`. All designs use the same seeds.

    Returns
    -------
    Power

    Raises
    ------
    OptionError
        If not exactly one of `test` and `null` is given, the model does not contain the smaller
        one, or another argument is not one of those allowed.
    UnknownNameError
        If the model has no such fixed effect.

    Examples
    --------
    >>> import pylme
    >>> designs = {
    ...     f"{schools} schools": pylme.simulator(
    ...         "y ~ ses + (ses | school)",
    ...         pylme.expand_grid(school=range(schools), ses=range(5)),
    ...         beta=[0, 0.3], sigma=1, covariances={"sd": [1, 0.5]},
    ...     )
    ...     for schools in (10, 40)
    ... }
    >>> found = pylme.power(designs, "y ~ ses + (ses | school)", test="ses", n=200, seed=1)
    >>> low, high = found.table["power"]
    >>> bool(low < 0.6 < 0.9 < high)
    True
    """
    _require_one_test(test, null, df)
    choice("reference", reference, Reference)
    n = whole_number("n", n, least=1)
    n_jobs, progress = workers("n_jobs", n_jobs), true_or_false("progress", progress)
    if not (is_number(alpha) and 0 < alpha < 1):
        raise OptionError(option="alpha", value=alpha, allowed="a number between 0 and 1")
    if seed is None:
        # One for all designs, that R takes too.
        seed = int(np.random.default_rng().integers(2**30))
    options = {"engine": engine, "n_jobs": n_jobs, "progress": progress}
    designs = simulate if isinstance(simulate, Mapping) else {"one": simulate}
    if not designs:
        raise OptionError(option="simulate", value=simulate, allowed="at least one design")
    statistics: dict[str, NDArray[np.float64]] = {}
    p_values: dict[str, NDArray[np.float64]] = {}
    words = ""
    for name, drawing in designs.items():
        source = source_of(drawing)
        (larger,) = read_models(model, family_of(source)).values()
        seeds = seeds_of(seed, rng=source.rng, n=n)
        hypothesis: Hypothesis
        if null is None:
            hypothesis = Wald(model=larger, effect=str(test), df=df)
        else:
            hypothesis = likelihood_ratio(larger, null, source, _example(source, seeds))
        found = hypothesis.statistics(drawing, n, seed, options)
        statistics[str(name)] = found
        if reference == "simulated":
            drawn = hypothesis.statistics(_null(hypothesis, source), n, _other(seeds, n), options)
            p_values[str(name)] = simulated_p(found, drawn)
            compared_with = f"{n} draws under the null hypothesis"
        else:
            p_values[str(name)] = hypothesis.p_values(found)
            compared_with = hypothesis.compared_with
        words = f"{hypothesis.words}{compared_with and f' against {compared_with}'}"
    index = pd.RangeIndex(n, name="replicate")
    return Power(
        p_values=pd.DataFrame(p_values, index=index),
        statistics=pd.DataFrame(statistics, index=index),
        test=words,
        alpha=float(alpha),
        seed=seed,
    )


def _require_one_test(test: str | None, null: str | None, df: float | None) -> None:
    test, null = optional_text("test", test), optional_text("null", null)
    if (test is None) == (null is None):
        raise OptionError(
            option="test", value=test, allowed="either `test`, a fixed effect, or `null`, a formula"
        )
    if df is not None and not (test is not None and is_number(df) and df > 0):
        raise OptionError(option="df", value=df, allowed="a positive number, with `test`")


def _example(source: Source, seeds: Seeds) -> Any:
    """A table as those that are drawn."""
    if isinstance(source, Simulator):
        return source.table()
    return source.replicates(seeds, 0, 1).to_frame(0)


def _null(hypothesis: Hypothesis, source: Source) -> Simulator:
    if not isinstance(source, Simulator):
        raise OptionError(
            option="reference",
            value="simulated",
            allowed='"asymptotic", where a function makes the tables: pylme cannot set its '
            "parameters to zero",
        )
    return hypothesis.null(source)


def _other(seeds: Seeds, n: int) -> Seed:
    """A seed for `n` further replicates."""
    if seeds.rng == "R":
        return int(np.asarray(seeds.entropy)) + n
    return np.random.SeedSequence(seeds.entropy, spawn_key=(*seeds.spawn_key, _OF_NULL))
