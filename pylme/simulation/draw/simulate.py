"""Data drawn from a linear mixed model: from a formula and its parameters, or from a fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pylme.errors import OptionError
from pylme.simulation.draw.simulator import Simulator
from pylme.simulation.draw.specification import simulator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from pylme.draws.seeds import Seed
    from pylme.model_matrix.spec import Contrast
    from pylme.options import Rng
    from pylme.simulation.draw.parameters import Covariances
    from pylme.simulation.draw.simulation import Simulation

__all__ = ["SimulatingFit", "simulate"]


class SimulatingFit(Protocol):
    """The part of a fit that simulation needs."""

    def simulator(self, *, empirical: bool = False, rng: Rng = "numpy") -> Simulator:
        """The fitted model with its estimates as parameters."""
        ...


def simulate(
    formula: str | SimulatingFit | Simulator,
    data: Any = None,
    *,
    beta: ArrayLike | Mapping[str, Any] | None = None,
    sigma: float | Mapping[str, float] | None = None,
    covariances: Covariances | None = None,
    family: str | None = None,
    link: str | None = None,
    shape: float | None = None,
    seed: Seed = None,
    n: int = 1,
    by: str | None = None,
    weights: str | ArrayLike | None = None,
    offset: str | ArrayLike | None = None,
    contrasts: Mapping[str, Contrast] | None = None,
    empirical: bool = False,
    rng: Rng = "numpy",
) -> Simulation:
    """Draw responses from a mixed model.

    Parameters
    ----------
    formula : str, Fit or Simulator
        A model formula as for `lmer`; or a fit, whose data and estimates are used.
    data : DataFrame, Table or mapping of arrays
        The predictors. A response among the columns is ignored. None with a fit.
    beta : array_like, mapping or Series
        The fixed effects, by R's coefficient names or in the order of these.
    sigma : float
        The residual standard deviation of a row of weight 1; of a Gamma or another family with a
        dispersion the root of that. None for binomial, Poisson and negative binomial responses.
    covariances : mapping, matrix or VarCorr
        Covariances of the random effects, by grouping factor or by term (``"ses | sch.id"``); if
        the model has one grouping factor, without its name. Each is a covariance matrix or
        ``{"sd": [2, 1], "corr": 0.4}``; names, where given, are R's names of the effects.
    family, link : str, optional
        Of a generalized model, as for `glmer`, or ``"negative binomial"``. Of binomial responses
        the weights are the numbers of trials, and proportions are drawn.
    shape : float, optional
        The ϑ of a negative binomial, whose variance is μ + μ²/ϑ.
    seed : int, SeedSequence or None
        Replicate i draws from child i of ``numpy.random.SeedSequence(seed)``, or with R after
        ``set.seed(seed + i)``. With None a new seed is drawn; the result contains it.
    n : int
        Replicates.
    by : str, optional
        A column. The model is then drawn separately for each of its levels, on the rows of that
        level; `beta`, `sigma` and `covariances` may be mappings from the levels.
    weights : str or array_like, optional
        Prior weights, positive: the residual variance of a row is sigma^2 / weight. Of binomial
        responses the numbers of trials.
    offset : str or array_like, optional
        A known part of the linear predictor.
    contrasts : mapping, optional
        As for `lmer`.
    empirical : bool
        Draw the random effects of each grouping factor so that their mean is exactly zero and
        their covariance exactly as requested, as ``MASS::mvrnorm(empirical = TRUE)`` does. Errors
        are not adjusted.
    rng : {"numpy", "R"}
        The random number generator. With "R": ``set.seed``, ``MASS::mvrnorm`` for the effects of
        each grouping factor, then ``rnorm`` for the errors; linear models only.

    Returns
    -------
    Simulation
        Responses, random effects and errors.

    Raises
    ------
    FormulaError, DataError
        If the formula and the data do not make a model.
    OptionError, UnknownNameError
        If a parameter is missing, or the model has no such parameter.
    RUnavailableError
        If `rng` is "R" and R is not available.

    Examples
    --------
    >>> import pylme
    >>> grid = pylme.expand_grid(school=range(20), ses=range(10))
    >>> drawn = pylme.simulate(
    ...     "y ~ ses + (ses | school)", grid, beta=[1, 2], sigma=2,
    ...     covariances={"sd": [2, 1], "corr": 0.4}, empirical=True, n=3, seed=1,
    ... )
    >>> drawn
    <Simulation of 'y': 3 replicates of 200 rows; (ses | school): 20 levels>
    >>> effects = drawn.ranef(0)["ses | school"]
    >>> round(float(effects["(Intercept)"].std()), 6), round(float(effects.corr().iloc[0, 1]), 6)
    (2.0, 0.4)

    Counts, for a study of a generalized model:

    >>> counts = pylme.simulate(
    ...     "n ~ ses + (1 | school)", grid, beta=[1, 0.1], covariances={"sd": 0.5},
    ...     family="poisson", n=2, seed=1,
    ... )
    >>> bool((counts.y == counts.y.round()).all())
    True
    """
    if isinstance(formula, str):
        needed: dict[str, Any] = {"data": data, "beta": beta, "covariances": covariances}
        if family is None:
            needed["sigma"] = sigma
        for name, value in needed.items():
            if value is None:
                raise OptionError(
                    option=name,
                    value=None,
                    allowed="a value: a formula alone does not define the distribution",
                )
        # None was refused just now, which a type checker cannot see.
        parameters: Any = {"beta": beta, "sigma": sigma, "covariances": covariances}
        model = simulator(
            formula, data, by=by, weights=weights, offset=offset, contrasts=contrasts,
            family=family, link=link, shape=shape, empirical=empirical, rng=rng, **parameters,
        )  # fmt: skip
    else:
        if not callable(getattr(formula, "simulator", None)) and not isinstance(formula, Simulator):
            allowed = "a formula as text, a fit, or a pylme.simulator(...)"
            raise OptionError(option="formula", value=formula, allowed=allowed)
        given = {
            "data": data, "beta": beta, "sigma": sigma, "covariances": covariances, "by": by,
            "weights": weights, "offset": offset, "contrasts": contrasts, "family": family,
            "link": link, "shape": shape,
        }  # fmt: skip
        for name, value in given.items():
            if value is not None:
                raise OptionError(
                    option=name,
                    value=value,
                    allowed="None with a fit, whose own data and estimates are used",
                )
        model = (
            formula
            if isinstance(formula, Simulator)
            else formula.simulator(empirical=empirical, rng=rng)
        )
    return model.draw(n, seed=seed)
