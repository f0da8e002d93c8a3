"""A likelihood ratio test of each random effect: the model against the one without it.

From each term ``(effects | group)`` one part of its left-hand side is taken at a time, if no other
part contains it, as ``(x | g)`` becomes ``(1 | g)``; a term with one part is taken away as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pylme.covariance.membership import bounds_reached
from pylme.frame import Library, to_native
from pylme.inference.likelihood_ratio_tests.bootstrap import null_statistics
from pylme.inference.likelihood_ratio_tests.boundary_weights import boundary_mixture
from pylme.inference.likelihood_ratio_tests.exact_test import exact_test
from pylme.inference.likelihood_ratio_tests.linear_criterion import linear_criteria
from pylme.inference.likelihood_ratio_tests.nesting import Difference
from pylme.inference.likelihood_ratio_tests.reference_distribution import (
    Mixture,
    p_of_each,
    simulated_p,
)
from pylme.model_matrix.random_term import with_fewer_effects
from pylme.reference.ending import optimum_of
from pylme.render import RenderedTable
from pylme.render.coefmat import coefficient_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.draws.seeds import Seed
    from pylme.model_matrix.random_term import RandomTerm
    from pylme.render import Table
    from pylme.results.linear_problem import LinearProblem

__all__ = ["RandomEffectTests", "random_effect_tests"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RandomEffectTests(RenderedTable):
    """Likelihood ratio tests of random effects.

    Attributes
    ----------
    terms : tuple of str, length t
        What is taken away.
    groups : tuple of str
        Its grouping factor.
    n_parameters : ndarray of int, shape (t,)
        Of the model without it.
    loglik, aic : ndarray, shape (t,)
        Of the model without it.
    statistic : ndarray, shape (t,)
        The likelihood ratio.
    df : ndarray of int, shape (t,)
        The parameters that are taken away.
    mixtures : tuple of Mixture
        The distribution in large samples, on the boundary of the parameter space.
    p_exact : ndarray, shape (t,)
        Where there is only one variance; else NaN.
    p_simulated : ndarray, shape (t,)
        By parametric bootstrap; NaN where there is none.
    full : tuple of float
        Number of parameters, log-likelihood and AIC of the model itself.
    reml : bool
    replicates : int
        Of the bootstrap.
    library : {"pandas", "polars", "pyarrow"}
    """

    terms: tuple[str, ...]
    groups: tuple[str, ...]
    n_parameters: NDArray[np.intp]
    loglik: NDArray[np.float64]
    aic: NDArray[np.float64]
    statistic: NDArray[np.float64]
    df: NDArray[np.intp]
    mixtures: tuple[Mixture, ...]
    p_exact: NDArray[np.float64]
    p_simulated: NDArray[np.float64]
    full: tuple[int, float, float]
    reml: bool
    replicates: int = 0
    library: Library = "pandas"

    @property
    def p_value(self) -> NDArray[np.float64]:
        """By χ², shape (t,): too large where a variance is tested."""
        return p_of_each([Mixture.plain(int(df)) for df in self.df], self.statistic)

    @property
    def p_boundary(self) -> NDArray[np.float64]:
        """By the mixture of χ² distributions, shape (t,)."""
        return p_of_each(self.mixtures, self.statistic)

    def to_frame(self) -> Any:
        """A row for each test.

        Returns
        -------
        DataFrame
            ``term, group, n_parameters, loglik, aic, statistic, df, p_value, p_boundary, p_exact,
            distribution``, and ``p_simulated`` after a bootstrap; in the library of the data.
        """
        extra = {"p_simulated": self.p_simulated} if self.replicates else {}
        frame = pd.DataFrame(
            {
                "term": list(self.terms),
                "group": list(self.groups),
                "n_parameters": self.n_parameters,
                "loglik": self.loglik,
                "aic": self.aic,
                "statistic": self.statistic,
                "df": self.df,
                "p_value": self.p_value,
                "p_boundary": self.p_boundary,
                "p_exact": self.p_exact,
                **extra,
                "distribution": [str(mixture) for mixture in self.mixtures],
            }
        )
        return to_native(frame, self.library)

    def describe(self) -> Table:
        """The table as lmerTest's ranova lays it out, with the other p-values below."""
        npar, loglik, aic = self.full
        parts = np.column_stack(
            [self.n_parameters, self.loglik, self.aic, self.statistic, self.df, self.p_value]
        )
        rows = [[npar, loglik, aic, np.nan, np.nan, np.nan], *parts.tolist()]
        table = coefficient_table(
            rows,
            columns=["npar", "logLik", "AIC", "LRT", "Df", "Pr(>Chisq)"],
            row_names=("<none>", *self.terms),
            has_pvalue=True,
            test_columns=(3,),
            coefficient_columns=(),
        )
        notes = []
        for at, term in enumerate(self.terms):
            words = [f"by {self.mixtures[at]} p = {self.p_boundary[at]:.4g}"]
            if np.isfinite(self.p_exact[at]):
                words.append(f"exactly p = {self.p_exact[at]:.4g}")
            if np.isfinite(self.p_simulated[at]):
                words.append(
                    f"by {self.replicates} bootstrap replicates p = {self.p_simulated[at]:.4g}"
                )
            notes.append(f"{term}: {', '.join(words)}.")
        how = "restricted likelihood" if self.reml else "likelihood"
        known = all(mixture.is_known for mixture in self.mixtures)
        holds = "is conservative" if known else "does not hold"
        return replace(
            table,
            caption=f"Tests of random effects by the {how}",
            notes=(*table.notes, f"A variance may not be negative, so that χ² {holds}:", *notes),
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<RandomEffectTests of {', '.join(self.terms)}>"


def random_effect_tests(
    linear: LinearProblem,
    criterion: float,
    *,
    bootstrap: int = 0,
    seed: Seed = None,
    library: Library = "pandas",
) -> RandomEffectTests:
    """Test each random effect of a linear mixed model.

    Parameters
    ----------
    linear : LinearProblem
    criterion : float
        Of its fit.
    bootstrap : int
        Replicates of the parametric bootstrap; 0 for none.
    seed : int, SeedSequence or None
    library : {"pandas", "polars", "pyarrow"}
    """
    p, m = linear.X.shape[1], _thetas(linear.terms)
    full = (p + m + 1, -0.5 * criterion, criterion + 2.0 * (p + m + 1))
    rows = [
        _test(linear, criterion, deletion, bootstrap=bootstrap, seed=seed)
        for deletion in _deletions(linear.terms)
    ]
    labels, groups, npar, loglik, statistic, df, mixtures, exact, simulated = zip(
        *rows, strict=True
    )
    return RandomEffectTests(
        terms=labels,
        groups=groups,
        n_parameters=np.array(npar),
        loglik=np.array(loglik),
        aic=2.0 * np.array(npar) - 2.0 * np.array(loglik),
        statistic=np.array(statistic),
        df=np.array(df),
        mixtures=mixtures,
        p_exact=np.array(exact),
        p_simulated=np.array(simulated),
        full=full,
        reml=linear.reml,
        replicates=bootstrap,
        library=library,
    )


def _test(
    linear: LinearProblem,
    criterion: float,
    deletion: tuple[int, list[int], str],
    *,
    bootstrap: int,
    seed: Seed,
) -> tuple[Any, ...]:
    """One row: the model with some effects of one term against it with all of them."""
    at, effects, label = deletion
    own = linear.terms[at]
    terms = with_fewer_effects(linear.terms, at, effects)
    smaller = linear.with_terms(terms)
    if terms:
        theta, without = optimum_of(smaller)
        smaller = smaller.at(theta)
    else:
        y = linear.y_less_offset[None]
        without = float(
            linear_criteria(
                linear.X, y, linear.weights, reml=linear.reml, represented=linear.represented
            )[0]
        )
    statistic = max(without - criterion, 0.0)
    difference = Difference(
        fixed=0,
        effects=_bounds(own, len(effects)),
        thetas=_thetas(linear.terms) - _thetas(terms),
    )
    exact = exact_test(linear, statistic) if not terms else None
    simulated = np.nan
    if bootstrap:
        null = null_statistics(linear, smaller, bootstrap, seed=seed)
        simulated = float(simulated_p(statistic, null))
    return (
        label,
        own.group,
        linear.X.shape[1] + _thetas(terms) + 1,
        -0.5 * without,
        statistic,
        difference.df,
        boundary_mixture(linear, smaller, difference),
        np.nan if exact is None else exact.p_value,
        simulated,
    )


def _bounds(term: RandomTerm, kept: int) -> int:
    """How many parameters are at a bound without the effects that are not kept."""
    k = len(term.names)
    if term.structure.kind == "us":
        return k - kept
    return bounds_reached(term.structure, np.zeros((k, k)))


def _thetas(terms: Sequence[RandomTerm]) -> int:
    return sum(term.structure.n_free for term in terms)


def _deletions(terms: Sequence[RandomTerm]) -> list[tuple[int, list[int], str]]:
    """Which effects are kept of which term, and what is taken away, in words."""
    made: list[tuple[int, list[int], str]] = []
    for at, term in enumerate(terms):
        parts = _parts(term)
        # A part of a compound symmetric or autoregressive matrix is no effect of its own.
        if len(parts) == 1 or term.structure.kind != "us":
            made.append((at, [], term.written))
            continue
        for name, places in parts.items():
            others = [other for other in parts if other != name]
            if name == "1" or any(_contains(other, name) for other in others):
                continue
            kept = [i for i in range(len(term.names)) if i not in places]
            made.append((at, kept, f"{name} in {term.written}"))
    return made


def _parts(term: RandomTerm) -> dict[str, list[int]]:
    """The columns of each part of a term's left-hand side, by its name."""
    assign = term.assign or tuple(range(len(term.names)))
    found: dict[int, list[int]] = {}
    for i, part in enumerate(assign):
        found.setdefault(part, []).append(i)
    return {
        "1"
        if term.names[places[0]] == "(Intercept)"
        else ", ".join(term.names[i] for i in places): places
        for places in found.values()
    }


def _contains(part: str, other: str) -> bool:
    """Whether one part of a left-hand side is an interaction that contains another."""
    variables, others = (set(name.split(", ", maxsplit=1)[0].split(":")) for name in (part, other))
    return others < variables
