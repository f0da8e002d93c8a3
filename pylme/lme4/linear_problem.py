"""The problem that lme4 solved, with its random-effects terms reconstructed from its Zᵀ.

Row Gp_t + k j + c of Zᵀ belongs to column c of level j of term t, which has k columns. So each
stored number says where it belongs, and the codes of the grouping factor must say the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pylme.covariance.structure import structure_of
from pylme.errors import NotAvailableError
from pylme.model_matrix.random_term import RandomTerm, in_order
from pylme.results.generalized_problem import GeneralizedProblem
from pylme.results.linear_problem import LinearProblem, unless_equal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.families import Family
    from pylme.lme4.records import System

__all__ = ["generalized_problem_of", "linear_problem_of", "terms_of"]


def linear_problem_of(system: System, terms: Sequence[RandomTerm]) -> LinearProblem:
    """The linear problem that lme4's own matrices define, with its terms as `terms_of` reads them.

    Parameters
    ----------
    system : System
        Of a linear mixed model.
    terms : sequence of RandomTerm
    """
    return LinearProblem(
        y=system.y,
        X=system.X,
        x_names=system.x_names,
        terms=tuple(terms),
        weights=unless_equal(system.weights),
        offset=system.offset,
        reml=system.reml,
        theta=system.theta,
    )


def generalized_problem_of(
    system: System, terms: Sequence[RandomTerm], family: Family
) -> GeneralizedProblem:
    """The generalized problem that lme4's own matrices define, at lme4's parameters.

    Parameters
    ----------
    system : System
        Of a generalized linear mixed model.
    terms : sequence of RandomTerm
    family : Family
        The ϑ of a negative binomial is taken from the system, which has all its digits.
    """
    counts = system.trials is not None and (system.trials > 1.0).any()
    if system.shape is not None:
        family = replace(family, shape=system.shape)
    return GeneralizedProblem(
        y=system.y,
        trials=system.trials if counts else None,
        weights=system.weights,
        X=system.X,
        x_names=system.x_names,
        terms=tuple(terms),
        offset=system.offset,
        family=family,
        shape_free=system.shape is not None,
        n_agq=1 if system.n_agq is None else system.n_agq,
        theta=system.theta,
        beta=system.beta,
        log_extra=None if system.shape is None else float(np.log(system.shape)),
    )


def terms_of(system: System) -> tuple[RandomTerm, ...]:
    """The terms that lme4 fitted, in its order.

    Raises
    ------
    NotAvailableError
        If Zᵀ does not consist of terms of the known form.
    """
    n = len(system.y)
    row_of_data = np.repeat(np.arange(n, dtype=np.int32), np.diff(system.Zt_p))
    found = []
    for t, (group, names) in enumerate(zip(system.groups, system.cnms, strict=True)):
        levels, codes = system.factors[group]
        k = len(names)
        first, stop = int(system.Gp[t]), int(system.Gp[t + 1])
        if stop - first != k * len(levels):
            raise _unknown(f"({', '.join(names)} | {group}) has {stop - first} rows in Zt")
        if len(system.groups) == 1:
            rows, places, values = row_of_data, system.Zt_i, system.Zt_x
        else:
            own = (system.Zt_i >= first) & (system.Zt_i < stop)
            rows, places, values = row_of_data[own], system.Zt_i[own] - first, system.Zt_x[own]
        found.append(
            RandomTerm(
                group=group,
                label=f"{' + '.join(names)} | {group}",
                names=names,
                levels=levels,
                codes=codes,
                columns=_columns(rows, places, values, codes, shape=(n, k), group=group),
                structure=structure_of(system.kinds[t], k, hom=system.homs[t]),
            )
        )
    terms = in_order(found)
    if (m := terms[-1].thetas.stop) != len(system.theta):
        raise _unknown(f"there are {len(system.theta)} elements of theta instead of {m}")
    return terms


def _columns(
    rows: NDArray[np.int32],
    places: NDArray[np.int32],
    values: NDArray[np.float64],
    codes: NDArray[np.int32],
    *,
    shape: tuple[int, int],
    group: str,
) -> NDArray[np.float64]:
    n, k = shape
    level, column = (places, np.int32(0)) if k == 1 else np.divmod(places, np.int32(k))
    if not np.array_equal(level, codes[rows]):
        raise _unknown(f"a row of the data has effects of another level of {group} than its own")
    columns = np.zeros((n, k), order="F")
    columns[rows, column] = values
    return columns


def _unknown(found: str) -> NotAvailableError:
    return NotAvailableError(
        asked="Reading lme4's random-effects terms from its Zt",
        found=found,
        remedy="This version of lme4 builds Zt in another way; check the fit in R.",
    )
