"""The numbers of many fits: arrays with an axis for the responses."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from pylme.inference.many_contrasts import ManyFixedEffects
from pylme.results.convergence import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.inference.ddf import Ddf

__all__ = ["FAILED", "NOT_IDENTIFIED", "Estimates", "statuses"]

#: Beside the values of `pylme.Status`.
FAILED: Final = "failed"
NOT_IDENTIFIED: Final = "not identified"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimates:
    """The fits of R responses.

    Attributes
    ----------
    fixed : ManyFixedEffects
    theta : ndarray, shape (R, m)
        In lme4's order and parametrization.
    sigma : ndarray, shape (R,)
        Residual standard deviations; NaN for a family without a scale.
    covariances : tuple of ndarray, shapes (R, k, k)
        Of the effects of each term.
    criterion : ndarray, shape (R,)
    rows : ndarray of int, shape (R,)
        The rows in which the response is not missing.
    evaluations : ndarray of int, shape (R,)
    singular : ndarray of bool, shape (R,)
    status, message : ndarray of object, shape (R,)
        A status in one or two words, and for a failure its reason.
    """

    fixed: ManyFixedEffects
    theta: NDArray[np.float64]
    sigma: NDArray[np.float64]
    covariances: tuple[NDArray[np.float64], ...]
    criterion: NDArray[np.float64]
    rows: NDArray[np.intp]
    evaluations: NDArray[np.intp]
    singular: NDArray[np.bool_]
    status: NDArray[Any]
    message: NDArray[Any]

    def __len__(self) -> int:
        return len(self.criterion)

    def of(self, fits: NDArray[np.intp]) -> Estimates:
        """Those of some of the responses."""
        own = {name: getattr(self, name)[fits] for name in _PLAIN}
        return Estimates(
            fixed=self.fixed.of(fits), covariances=tuple(c[fits] for c in self.covariances), **own
        )

    @classmethod
    def joined(cls, parts: Sequence[Estimates]) -> Estimates:
        """Those of several batches, one after the other."""
        if len(parts) == 1:
            return parts[0]
        own = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _PLAIN}
        terms = zip(*(part.covariances for part in parts), strict=True)
        return cls(
            fixed=ManyFixedEffects.joined([part.fixed for part in parts]),
            covariances=tuple(np.concatenate(list(of_term)) for of_term in terms),
            **own,
        )

    @classmethod
    def failed(
        cls, count: int, *, p: int, widths: Sequence[int], ddf: Ddf, rows: Any, message: Any
    ) -> Estimates:
        """Responses that cannot be fitted, each with its reason.

        Parameters
        ----------
        count : int
        p : int
            Fixed effects of the whole design.
        widths : sequence of int
            Effects of each term.
        ddf : {"satterthwaite", "kenward-roger", "normal"}
        rows : int or array_like of int, shape (count,)
        message : str or array_like of str, shape (count,)
        """
        m = sum(k * (k + 1) // 2 for k in widths)
        of_tests = 0 if ddf == "normal" else m
        nothing = np.full(count, np.nan)
        none = np.zeros(count, dtype=np.intp)
        status = np.full(count, FAILED, dtype=object)
        said = np.empty(count, dtype=object)
        said[:] = message
        return cls(
            fixed=ManyFixedEffects(
                ddf=ddf,
                beta=np.full((count, p), np.nan),
                vcov=np.full((count, p, p), np.nan),
                unscaled=np.full((count, p, p), np.nan),
                sigma2=nothing,
                nu=nothing,
                slopes=np.full((count, of_tests, p, p), np.nan),
                drift=np.full((count, of_tests), np.nan),
                inverse=np.full((count, of_tests, of_tests), np.nan),
            ),
            theta=np.full((count, m), np.nan),
            sigma=nothing,
            covariances=tuple(np.full((count, k, k), np.nan) for k in widths),
            criterion=nothing,
            rows=none + np.asarray(rows),
            evaluations=none,
            singular=np.zeros(count, dtype=np.bool_),
            status=status,
            message=said,
        )


_PLAIN: Final = tuple(f.name for f in fields(Estimates) if f.name not in {"fixed", "covariances"})


def statuses(
    *,
    converged: NDArray[np.bool_],
    singular: NDArray[np.bool_],
    degenerate: NDArray[np.bool_],
    identified: bool,
) -> NDArray[Any]:
    """The status of each fit, the gravest that applies."""
    made = np.full(len(converged), Status.CONVERGED.value, dtype=object)
    made[singular] = Status.SINGULAR.value
    made[~converged] = Status.NOT_CONVERGED.value
    if not identified:
        made[:] = NOT_IDENTIFIED
    made[degenerate] = Status.DEGENERATE.value
    return made
