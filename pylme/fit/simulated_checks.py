"""Residuals by simulation, and the tests that they allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylme.errors import NotAvailableError, OptionError
from pylme.fit.base import EngineFit
from pylme.options import choice, whole_number

if TYPE_CHECKING:
    from pylme.draws.seeds import Seed
    from pylme.inference.prediction.random_part import Random
    from pylme.inference.quality.simulated_residuals import ResidualMethod, SimulatedResiduals

__all__ = ["SimulatedChecks"]


class SimulatedChecks(EngineFit):
    """Residuals by simulation, and the tests that they allow."""

    def simulated_residuals(
        self,
        *,
        method: ResidualMethod | None = None,
        n: int = 250,
        seed: Seed = None,
        random: Random = "none",
    ) -> SimulatedResiduals:
        """Residuals that are uniform between 0 and 1 where the model is right.

        Parameters
        ----------
        method : {"rotated", "exact", "simulation"}, optional
            "rotated": the closed form for a linear model, each row given those before it in its
            groups, so that residuals are independent; the default for linear models. "exact": the
            closed form without rotation. "simulation": the share of responses drawn from the model
            that lie below the one observed, as of R's DHARMa; the default for generalized models.
        n : int
            Responses drawn.
        seed : int, SeedSequence or None
            Of the draws.
        random : {"none", "all"}, list of str, or str
            The random effects that are held at their modes, as for `simulate`. Residuals with held
            effects are less spread than uniform ones.

        Returns
        -------
        SimulatedResiduals
            With tests of uniformity and, after a simulation, of the dispersion and the number of
            zeros.

        Raises
        ------
        OptionError
            If an argument is not one of those allowed, or a generalized model is asked for a closed
            form.
        NotAvailableError
            If the fit came from JSON, or too many rows depend on each other to be rotated.

        References
        ----------
        Dunn & Smyth (1996), Randomized quantile residuals, Journal of Computational and Graphical
        Statistics 5.

        Examples
        --------
        >>> import pylme
        >>> sleepstudy = pylme.datasets.load("sleepstudy")
        >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy")
        >>> fit.simulated_residuals()
        <SimulatedResiduals of 180 rows, rotated: p 0.182>
        """
        from pylme.draws.seeds import seeds_of
        from pylme.inference.quality.response_model import observed, response_model
        from pylme.inference.quality.simulated_residuals import (
            ResidualMethod,
            SimulatedResiduals,
            exact_residuals,
            residuals_by_simulation,
        )

        linear = self._info.family is None
        if method is None:
            method = "rotated" if linear else "simulation"
        choice("method", method, ResidualMethod)
        if method != "simulation" and not linear:
            raise OptionError(
                option="method", value=method,
                allowed='"simulation" for a generalized model, whose residuals have no closed form',
            )  # fmt: skip
        n = whole_number("n", n, least=2)
        model, y = response_model(self._model, random), observed(self._model)
        drawn, entropy = None, None
        if method == "simulation":
            seeds = seeds_of(seed, rng="numpy", n=n + 1)
            residuals, drawn = residuals_by_simulation(model, y, seeds, n)
            fitted, entropy = drawn.mean(axis=0), seeds.entropy
        else:
            residuals = exact_residuals(model, y, rotated=method == "rotated")
            fitted = model.eta
        return SimulatedResiduals(
            residuals=residuals, fitted=fitted, observed=y, method=method, simulated=drawn,
            seed=entropy, rows=self._rows,
        )  # fmt: skip

    def overdispersion(self) -> dict[str, float]:
        """Pearson's test of overdispersion of a generalized model.

        The sum of squared Pearson residuals over the residual degrees of freedom, which is about 1
        where the family describes the variance; its p-value by the χ² distribution is approximate,
        and best where means are large. `simulated_residuals` tests the dispersion by simulation.

        Returns
        -------
        dict
            ``ratio``, ``statistic``, ``df`` and ``p_value`` (one-sided, for more variance than the
            family has).

        Raises
        ------
        NotAvailableError
            If the model estimates a residual variance, which a linear model does.

        References
        ----------
        McCullagh & Nelder (1989), Generalized Linear Models, 2nd edition, section 4.5.
        """
        from scipy.special import chdtrc

        if self._info.use_scale:
            raise NotAvailableError(
                asked="Testing for overdispersion",
                found="the model estimates a residual variance, which takes up any dispersion",
                remedy="Ask a binomial, Poisson or negative binomial model.",
            )
        statistic = float((self._model.residuals("pearson") ** 2).sum())
        df = float(self.df_resid)
        return {
            "ratio": statistic / df, "statistic": statistic, "df": df,
            "p_value": float(chdtrc(df, statistic)),
        }  # fmt: skip
