"""Likelihood ratio tests of fitted models in a table, as R's anova of several fits.

Models are compared by maximum likelihood where their fixed effects differ: the restricted
likelihood depends on X (Pinheiro & Bates 2000, section 2.4.1). Where all have the same X, fits by
REML are compared as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pylme.errors import OptionError
from pylme.frame import Library, to_native
from pylme.inference.likelihood_ratio_tests.bootstrap import null_statistics
from pylme.inference.likelihood_ratio_tests.boundary_weights import boundary_mixture
from pylme.inference.likelihood_ratio_tests.nesting import Difference, larger_by
from pylme.inference.likelihood_ratio_tests.reference_distribution import (
    Mixture,
    p_of_each,
    simulated_p,
)
from pylme.model_matrix.random_term import RandomTerm
from pylme.reference.ending import optimum_of
from pylme.render import RenderedTable
from pylme.render.coefmat import coefficient_table
from pylme.results.estimates import aic, bic
from pylme.results.linear_problem import LinearProblem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.draws.seeds import Seed
    from pylme.render import Table

__all__ = ["ComparedModel", "ModelComparison", "compare"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ComparedModel:
    """What a comparison needs of a fit.

    Attributes
    ----------
    name, formula : str
    y, weights, offset : ndarray, shape (n,)
    X : ndarray, shape (n, p)
    terms : tuple of RandomTerm
    family : tuple of str, or None
        Family and link of a generalized model.
    approximation : tuple of int, str and str, or None
        How its likelihood is approximated: `n_agq`, `laplace` and `criterion`.
    loglik : float
    df : int
        The number of parameters.
    reml : bool
    linear : LinearProblem or None
        None of a generalized model.
    """

    name: str
    formula: str
    y: NDArray[np.float64]
    weights: NDArray[np.float64]
    offset: NDArray[np.float64]
    X: NDArray[np.float64]
    terms: tuple[RandomTerm, ...]
    family: tuple[str, str | None] | None
    approximation: tuple[int, str, str] | None
    loglik: float
    df: int
    reml: bool
    linear: LinearProblem | None

    def by_ml(self) -> ComparedModel:
        """The same model fitted by maximum likelihood."""
        if not self.reml or self.linear is None:
            return self
        linear = replace(self.linear, reml=False, theta=None)
        theta, criterion = optimum_of(linear)
        return replace(self, loglik=-0.5 * criterion, reml=False, linear=linear.at(theta))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ModelComparison(RenderedTable):
    """Likelihood ratio tests of models, each against the one before.

    Attributes
    ----------
    names, formulas : tuple of str, length M
    df : ndarray of int, shape (M,)
        Parameters.
    loglik, aic, bic : ndarray, shape (M,)
    statistic : ndarray, shape (M,)
        Twice the difference of the log-likelihoods; NaN for the first model.
    differences : tuple of Difference or None, length M
    mixtures : tuple of Mixture or None, length M
        The distribution where a variance is tested, which lies on the boundary of the parameter
        space under the null hypothesis; None where none is.
    p_simulated : ndarray, shape (M,)
        By parametric bootstrap; NaN where there is none.
    reml, refitted : bool
        Whether the restricted likelihoods are compared; whether models were fitted again by ML.
    replicates : int
        Of the bootstrap.
    library : {"pandas", "polars", "pyarrow"}
    """

    names: tuple[str, ...]
    formulas: tuple[str, ...]
    df: NDArray[np.intp]
    loglik: NDArray[np.float64]
    aic: NDArray[np.float64]
    bic: NDArray[np.float64]
    statistic: NDArray[np.float64]
    differences: tuple[Difference | None, ...]
    mixtures: tuple[Mixture | None, ...]
    p_simulated: NDArray[np.float64]
    reml: bool
    refitted: bool
    replicates: int = 0
    library: Library = "pandas"

    @property
    def p_value(self) -> NDArray[np.float64]:
        """By χ² with as many degrees of freedom as there are additional parameters, shape (M,)."""
        plain = [None if d is None else Mixture.plain(d.df) for d in self.differences]
        return p_of_each(plain, self.statistic)

    @property
    def p_boundary(self) -> NDArray[np.float64]:
        """By the mixture where a variance is tested, else NaN, shape (M,)."""
        return p_of_each(self.mixtures, self.statistic)

    def to_frame(self) -> Any:
        """A row for each model.

        Returns
        -------
        DataFrame
            ``model, formula, n_parameters, aic, bic, loglik, deviance, statistic, df, p_value,
            p_boundary, distribution``, and ``p_simulated`` after a bootstrap; in the library of the
            data. ``p_value`` is that of χ², ``p_boundary`` that of the mixture ``distribution``
            where a variance is tested.
        """
        extra = {"p_simulated": self.p_simulated} if self.replicates else {}
        frame = pd.DataFrame(
            {
                "model": list(self.names),
                "formula": list(self.formulas),
                "n_parameters": self.df,
                "aic": self.aic,
                "bic": self.bic,
                "loglik": self.loglik,
                "deviance": -2.0 * self.loglik,
                "statistic": self.statistic,
                "df": [np.nan if d is None else float(d.df) for d in self.differences],
                "p_value": self.p_value,
                "p_boundary": self.p_boundary,
                **extra,
                "distribution": pd.array(
                    [None if m is None else str(m) for m in self.mixtures], dtype=object
                ),
            }
        )
        return to_native(frame, self.library)

    def describe(self) -> Table:
        """The table as R's anova lays it out, with the p-values of mixtures below."""
        columns = ["npar", "AIC", "BIC", "logLik", "-2*log(L)", "Chisq", "Df", "Pr(>Chisq)"]
        df = np.array([np.nan if d is None else d.df for d in self.differences])
        parts = [
            self.df, self.aic, self.bic, self.loglik, -2.0 * self.loglik, self.statistic, df,
            self.p_value,
        ]  # fmt: skip
        table = coefficient_table(
            np.column_stack(parts).tolist(),
            columns=columns,
            row_names=self.names,
            has_pvalue=True,
            test_columns=(5,),
            coefficient_columns=(),
        )
        how = "restricted likelihoods" if self.reml else "likelihoods"
        notes = [f"{name}: {text}" for name, text in zip(self.names, self.formulas, strict=True)]
        if self.refitted:
            notes.append("Models fitted by REML were fitted again by ML.")
        notes += self._of_boundary()
        return replace(
            table, caption=f"Likelihood ratio tests by {how}", notes=(*table.notes, *notes)
        )

    def _of_boundary(self) -> list[str]:
        made = []
        for at, mixture in enumerate(self.mixtures):
            if mixture is not None:
                made.append(
                    f"{self.names[at]}: a variance is tested, which may not be negative; by "
                    f"{mixture} p = {self.p_boundary[at]:.4g}."
                )
            if np.isfinite(self.p_simulated[at]):
                made.append(
                    f"{self.names[at]}: by {self.replicates} bootstrap replicates "
                    f"p = {self.p_simulated[at]:.4g}."
                )
        return made

    def __repr__(self) -> str:
        return f"<ModelComparison of {', '.join(self.names)}>"


def compare(
    models: Sequence[ComparedModel],
    *,
    refit: bool = True,
    bootstrap: int = 0,
    seed: Seed = None,
    library: Library = "pandas",
) -> ModelComparison:
    """Test each model against the next smaller one.

    Parameters
    ----------
    models : sequence of ComparedModel
        In any order; they are sorted by their numbers of parameters.
    refit : bool
        Fit by ML where fits by REML have different fixed effects.
    bootstrap : int
        Replicates of the parametric bootstrap; 0 for none.
    seed : int, SeedSequence or None
    library : {"pandas", "polars", "pyarrow"}

    Raises
    ------
    OptionError
        If the models cannot be compared.
    """
    ordered = sorted(models, key=lambda model: model.df)
    for model in ordered[1:]:
        _require_same_data(ordered[0], model)
    reml = [model.reml for model in ordered]
    same = all(np.array_equal(model.X, ordered[0].X) for model in ordered)
    refitted = any(reml) and not (all(reml) and same)
    if refitted and not refit:
        raise OptionError(
            option="refit",
            value=False,
            allowed="True where fits by REML differ in their fixed effects, or some are by ML: "
            "their likelihoods cannot be compared",
        )
    if refitted:
        ordered = [model.by_ml() for model in ordered]
    differences: list[Difference | None] = [None]
    mixtures: list[Mixture | None] = [None]
    simulated = [np.nan]
    for smaller, larger in pairwise(ordered):
        found = larger_by(larger.X, larger.terms, smaller.X, smaller.terms)
        if isinstance(found, str):
            reason = f"{smaller.name} has {found} that {larger.name} does not have"
            raise OptionError(
                option="fits",
                value=f"{smaller.formula} and {larger.formula}",
                allowed=f"nested models: {reason if found else 'these have the same parameters'}",
            )
        differences.append(found)
        mixtures.append(_mixture(larger, smaller, found))
        simulated.append(_simulated(larger, smaller, bootstrap, seed))
    loglik = np.array([model.loglik for model in ordered])
    n = len(ordered[0].y)
    return ModelComparison(
        names=tuple(model.name for model in ordered),
        formulas=tuple(model.formula for model in ordered),
        df=np.array([model.df for model in ordered]),
        loglik=loglik,
        aic=np.array([aic(model.loglik, model.df) for model in ordered]),
        bic=np.array([bic(model.loglik, model.df, n) for model in ordered]),
        # A negative difference of nested models is an error of a search.
        statistic=np.append(np.nan, np.maximum(2.0 * np.diff(loglik), 0.0)),
        differences=tuple(differences),
        mixtures=tuple(mixtures),
        p_simulated=np.array(simulated),
        reml=all(reml) and same,
        refitted=refitted,
        replicates=bootstrap,
        library=library,
    )


def _mixture(
    larger: ComparedModel, smaller: ComparedModel, difference: Difference
) -> Mixture | None:
    """The distribution, if a variance is tested."""
    if not difference.effects:
        return None
    if larger.linear is None or smaller.linear is None:
        # The information of a generalized model is not at hand.
        return difference.mixture
    mixture = boundary_mixture(larger.linear, smaller.linear, difference)
    return mixture if mixture.bounded else None


def _simulated(larger: ComparedModel, smaller: ComparedModel, bootstrap: int, seed: Seed) -> float:
    if not bootstrap:
        return np.nan
    if larger.linear is None or smaller.linear is None:
        raise OptionError(option="bootstrap", value=bootstrap, allowed="0 for generalized models")
    null = null_statistics(larger.linear, smaller.linear, bootstrap, seed=seed)
    statistic = max(2.0 * (larger.loglik - smaller.loglik), 0.0)
    return float(simulated_p(statistic, null))


def _require_same_data(one: ComparedModel, other: ComparedModel) -> None:
    """Raise if two fits are not of the same kind, or not to the same rows and response."""
    reason = ""
    if one.family != other.family:
        reason = "of one family and link"
    elif one.approximation != other.approximation:
        # With quadrature a criterion leaves out what does not depend on the parameters.
        reason = "with the same n_agq, laplace and criterion: others approximate the likelihood"
        reason += " differently"
    elif len(one.y) != len(other.y):
        reason = (
            f"to the same rows: {one.name} has {len(one.y)}, {other.name} has {len(other.y)}; "
            "leave out rows with missing values first"
        )
    elif not np.array_equal(one.y, other.y):
        reason = "to the same response in the same rows"
    elif not np.array_equal(one.weights, other.weights):
        reason = "with the same weights"
    elif not np.array_equal(one.offset, other.offset):
        reason = "with the same offset"
    if reason:
        raise OptionError(
            option="fits",
            value=f"{one.formula} and {other.formula}",
            allowed=f"models fitted {reason}",
        )
