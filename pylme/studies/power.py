"""Power: how often a test finds what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from pylme.errors import OptionError, UnknownNameError
from pylme.formula import deparse, parse_formula
from pylme.options import is_number
from pylme.render import LEFT, Rendered, Table
from pylme.studies.run import study
from pylme.study.models import StudyModel
from pylme.study.monte_carlo import rate_and_error, wilson
from pylme.study.testing import Difference, likelihood_ratio_p, wald_p

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.studies.run import Engine
    from pylme.study.outcome import StudyResult
    from pylme.study.seeds import Seed

__all__ = ["Power", "power"]

_LARGER: Final = "model"
_NULL: Final = "null"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Power(Rendered):
    """How often a test rejects.

    Attributes
    ----------
    table : DataFrame
        For each design ``design``, ``n`` (replicates with a p-value), ``failed`` (without),
        ``power``, ``se`` (Monte Carlo standard error), ``low`` and ``high`` (95 %, Wilson).
    p_values : DataFrame
        Replicates as rows, designs as columns; NaN where a fit failed.
    test : str
        The test, and what its statistic is compared with.
    alpha : float
    """

    table: pd.DataFrame
    p_values: pd.DataFrame
    test: str
    alpha: float

    def describe(self) -> Table:
        """The table, with the test above it."""
        rows = [
            (line["design"], str(line["n"]), str(line["failed"]),
             *(f"{line[name]:.3f}" for name in ("power", "se", "low", "high")))
            for line in self.table.to_dict("records")
        ]  # fmt: skip
        columns = ("design", "n", "failed", "power", "se", "low", "high")
        return Table(
            columns=columns,
            rows=tuple(rows),
            align=tuple(LEFT if name == "design" else "right" for name in columns),
            caption=f"Power at level {self.alpha:g}: {self.test}",
        )

    def __repr__(self) -> str:
        return f"<Power: {self.test}, {len(self.table)} designs>"


def power(
    simulate: Any,
    model: str | StudyModel,
    *,
    test: str | None = None,
    null: str | None = None,
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
        What draws, as for `pylme.study`; several designs give a line each.
    model : str or StudyModel
        The model that is fitted.
    test : str, optional
        The fixed effect whose Wald test is asked for, by R's coefficient name.
    null : str, optional
        Or the formula of a smaller model, against which a likelihood ratio test is made: without
        some fixed effects, both are then fitted by maximum likelihood; or without some random
        effects. One random effect less is tested against the mixture of two chi-squared
        distributions that its boundary calls for.
    n : int
        Replicates.
    alpha : float
        The level of the test.
    seed, engine, n_jobs, progress
        As for `pylme.study`. All designs have the same seeds.

    Returns
    -------
    Power

    Raises
    ------
    OptionError
        If not exactly one of `test` and `null` is given, or the models do not differ.
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
    if (test is None) == (null is None):
        raise OptionError(
            option="test", value=test, allowed="either `test`, a fixed effect, or `null`, a formula"
        )
    if not (is_number(alpha) and 0 < alpha < 1):
        raise OptionError(option="alpha", value=alpha, allowed="a number between 0 and 1")
    designs = simulate if isinstance(simulate, Mapping) else {"one": simulate}
    larger = model if isinstance(model, StudyModel) else StudyModel(formula=model)
    models = {_LARGER: larger} if null is None else _pair(larger, null)
    p_values: dict[str, NDArray[np.float64]] = {}
    words = ""
    for name, source in designs.items():
        found = study(
            source, models, n=n, seed=seed, engine=engine, n_jobs=n_jobs, progress=progress
        )
        p_values[str(name)], words = _wald(found, str(test)) if null is None else _ratio(found)
    frame = pd.DataFrame(p_values).rename_axis(index="replicate")
    lines = [_line(name, p, float(alpha)) for name, p in p_values.items()]
    return Power(table=pd.DataFrame(lines), p_values=frame, test=words, alpha=float(alpha))


def _pair(larger: StudyModel, null: str) -> dict[str, StudyModel]:
    """Both models, by maximum likelihood where their fixed effects differ."""
    fixed = [deparse(parse_formula(formula).fixed) for formula in (larger.formula, null)]
    reml = larger.reml and fixed[0] == fixed[1]
    return {
        _LARGER: replace(larger, reml=reml), _NULL: replace(larger, formula=null, reml=reml)
    }  # fmt: skip


def _wald(found: StudyResult, test: str) -> tuple[NDArray[np.float64], str]:
    rows = found.rows[found.rows["effect"] == "fixed"]
    known = tuple(dict.fromkeys(rows["parameter"]))
    if test not in known and known:
        raise UnknownNameError(what="fixed effect", name=test, known=known)
    own = rows[rows["parameter"] == test].set_index("replicate").reindex(range(found.n))
    return wald_p(own["estimate"], own["std_error"]), f"Wald test of {test}"


def _ratio(found: StudyResult) -> tuple[NDArray[np.float64], str]:
    difference = _difference(found)
    fits = found.fits.pivot_table(index="replicate", columns="model", values="criterion")
    wide = fits.reindex(index=range(found.n), columns=[_LARGER, _NULL])
    p = likelihood_ratio_p(wide[_NULL] - wide[_LARGER], difference)
    return p, f"likelihood ratio test against {difference}"


def _difference(found: StudyResult) -> Difference:
    made = found.rows[found.rows["parameter"].notna()]
    kinds = made.drop_duplicates(["model", "parameter"])

    def count(model: str, effect: str, beginning: str) -> int:
        own = kinds[(kinds["model"] == model) & (kinds["effect"] == effect)]
        return int(own["term"].str.startswith(beginning).sum())

    more = {
        name: count(_LARGER, *what) - count(_NULL, *what)
        for name, what in {
            "fixed": ("fixed", ""), "effects": ("ran_pars", "sd__"), "thetas": ("theta", ""),
        }.items()
    }  # fmt: skip
    difference = Difference(**more)
    if difference.df < 1 or min(more.values()) < 0:
        raise OptionError(
            option="null", value=more, allowed="the formula of a model with fewer parameters"
        )
    return difference


def _line(name: str, p: NDArray[np.float64], alpha: float) -> dict[str, Any]:
    known = p[~np.isnan(p)]
    rate, error = rate_and_error(known <= alpha)
    low, high = wilson(rate, len(known))
    return {
        "design": name, "n": len(known), "failed": len(p) - len(known), "power": rate,
        "se": error, "low": low, "high": high,
    }  # fmt: skip
