"""What is true of a model: its optimum, whether there is one, and what the data identify."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np
from threadpoolctl import threadpool_limits

from .dense import Matrices
from .search import search

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from .dense import Dense

__all__ = ["Truth", "truth"]

#: What is left of the parameters' matrices, relative, below which they are dependent; above the
#: second they are not; nothing is said between.
DEPENDENT: Final = (1e-13, 1e-7)
#: The same of the response beside the random effects' columns: rounding errors of its digits, and
#: what double precision still tells from them.
EXACT: Final = (1e-13, 1e-8)
#: Greatest element of T in sound columns for which a criterion is asked to 1e-9 relative.
MODERATE: Final = 1e4
#: By what factors T is made larger to see whether the criterion falls without an end, and what part
#: of its value counts as lower.
OUTWARDS: Final = (3.0, 10.0, 100.0, 1e3, 1e4)
LOWER: Final = 1e-9
#: Least eigenvalue of Σ_t in sound columns: on the boundary below the first, inside above the
#: second.
BOUNDARY: Final = (1e-10, 1e-4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is true of a model; None where precision does not tell.

    Attributes
    ----------
    criterion : float
        The least value known, in extended precision.
    theta : float
        The greatest element of T_t there, in sound columns.
    identified : bool or None
        Whether the covariance parameters are identified by the error contrasts.
    identified_by_rows : bool or None
        The same by the rows, which is all that maximum likelihood asks for.
    finite : bool or None
        Whether the criterion has a least value at finite parameters.
    singular : bool or None
    reml : bool
    starts, optima : int
    factors : list of ndarray
        T_t of the sound columns at the optimum.
    """

    criterion: float
    theta: float
    identified: bool | None
    identified_by_rows: bool | None
    finite: bool | None
    singular: bool | None
    reml: bool
    starts: int
    optima: int
    factors: Matrices = field(repr=False)

    def lowered(self, criterion: float) -> Truth:
        """The same with the least value at any point known."""
        return replace(self, criterion=criterion)

    @property
    def unidentified(self) -> bool:
        """Whether parameters are certainly not identified, by whichever likelihood is used."""
        return self.identified is False and (self.reml or self.identified_by_rows is False)

    @property
    def moderate(self) -> bool:
        """Whether the optimum is finite, and at parameters that double precision can handle."""
        return self.finite is True and self.theta <= MODERATE


def truth(dense: Dense, given: Sequence[Matrices], rng: np.random.Generator) -> Truth:
    """Find out.

    Parameters
    ----------
    dense : Dense
    given : sequence of lists of ndarray
        T_t of the sound columns where others ended: starts, and points that may be the best.
    rng : Generator
    """
    # Matrices of this size are no work for two threads.
    with threadpool_limits(1):
        found = search(dense, given, rng)
        finite = _finite(dense)
        if finite and _falls_outwards(dense, found.factors, found.criterion):
            finite = False
    return Truth(
        criterion=found.criterion,
        theta=max(float(np.abs(T).max()) for T in found.factors),
        identified=_independent(dense, dense.K),
        identified_by_rows=_independent(dense, np.eye(len(dense.K), dtype=np.longdouble)),
        finite=finite,
        singular=_singular(found.factors),
        reml=dense.reml,
        starts=found.starts,
        optima=found.optima,
        factors=found.factors,
    )


def _independent(dense: Dense, contrasts: NDArray) -> bool | None:
    """Whether the matrices ∂V/∂ψ of all covariance parameters and of σ² are independent.

    The information matrix ½tr(PB_iPB_j) is their Gram matrix in an inner product that is positive
    definite wherever V is, so that its rank is the same at every θ: here V = I.
    """
    matrices = [contrasts.T @ contrasts]
    for columns, same in zip(dense.sound, dense.same, strict=True):
        for a in range(columns.shape[1]):
            for b in range(a + 1):
                half = np.outer(columns[:, a], columns[:, b])
                matrices.append(contrasts.T @ ((half + half.T) * same) @ contrasts)
    rows = np.array([matrix.ravel() for matrix in matrices])
    lengths = np.array([np.sqrt(np.sum(columns**4)) for columns in _lengths(dense)])
    left = _least_left(rows / np.concatenate([[1.0], lengths])[:, None])
    return _decided(left, DEPENDENT)


def _lengths(dense: Dense) -> Iterator[NDArray]:
    """A scale for each parameter, from its columns before any contrast is taken."""
    for columns in dense.sound:
        for a in range(columns.shape[1]):
            for b in range(a + 1):
                yield np.sqrt(np.abs(columns[:, a] * columns[:, b])) + 1e-3


def _least_left(rows: NDArray) -> float:
    """The least part of a row that those chosen before it leave, by Gram and Schmidt, pivoted."""
    rest = rows.copy()
    least = np.inf
    for _ in range(len(rows)):
        sizes = np.sqrt((rest * rest).sum(axis=1))
        pivot = int(np.argmax(sizes))
        least = min(least, float(sizes[pivot]))
        if sizes[pivot] == 0:
            return 0.0
        direction = rest[pivot] / sizes[pivot]
        rest = np.delete(rest, pivot, axis=0)
        for _ in range(2):
            rest = rest - np.outer(rest @ direction, direction)
    return least


def _decided(value: float, limits: tuple[float, float]) -> bool | None:
    return False if value < limits[0] else True if value > limits[1] else None


def _finite(dense: Dense) -> bool | None:
    """Whether no choice of random effects leaves nothing of the response.

    Where y_K lies in what the columns of some terms span beside X, q falls as θ⁻² when their θ
    grows, and the determinant grows as θ to twice the columns' rank: with a rank below ν the
    criterion falls without end. For ML that is the rank in all rows, and ν = n.
    """
    length = float(np.sqrt(dense.y @ dense.y))
    if length <= EXACT[0] * dense.size_of_y:
        return False
    rng = np.random.default_rng(0)
    least = 1.0
    for chosen in product(*(_of_each_rank(block, rng) for block in dense.blocks())):
        rows = np.hstack(chosen)
        if not rows.shape[1]:
            continue
        basis = _basis(dense.K.T @ rows)
        within = basis if dense.reml else _basis(rows)
        if within.shape[1] < dense.nu:
            rest = dense.y - basis @ (basis.T @ dense.y)
            least = min(least, float(np.sqrt(rest @ rest)) / dense.size_of_y)
    return None if length <= EXACT[1] * dense.size_of_y else _decided(least, EXACT)


def _of_each_rank(block: NDArray, rng: np.random.Generator) -> list[NDArray]:
    """The columns of a term's effects, shape (n, levels, k), for a Σ of rank 0, 1, ..., k."""
    n, _, k = block.shape
    directions = rng.normal(size=(k, k))
    parts = [block @ directions[:, :rank] for rank in range(k)]
    return [part.reshape(n, -1) for part in (*parts, block)]


def _falls_outwards(dense: Dense, factors: Matrices, criterion: float) -> bool:
    """Whether the criterion is lower far beyond the best point that was found.

    Where random effects and X span all rows, both logarithms grow alike by REML, and the criterion
    tends to a limit as σ goes to zero, which may lie below all of its values.
    """
    further = [dense.exact([size * T for T in factors], sound=True) for size in OUTWARDS]
    return bool(np.nanmin([*further, np.inf]) < criterion - LOWER * (1.0 + abs(criterion)))


def _basis(columns: NDArray) -> NDArray:
    """An orthonormal basis of columns in extended precision, dependent ones left out."""
    rest = columns.copy()
    limit = 1e-12 * np.sqrt((rest * rest).sum(axis=0).max())
    basis = np.zeros((len(rest), 0), dtype=np.longdouble)
    while rest.shape[1] and basis.shape[1] < len(rest):
        sizes = np.sqrt((rest * rest).sum(axis=0))
        pivot = int(np.argmax(sizes))
        if sizes[pivot] <= limit:
            break
        direction = rest[:, pivot] / sizes[pivot]
        direction -= basis @ (basis.T @ direction)
        direction /= np.sqrt(direction @ direction)
        basis = np.column_stack([basis, direction])
        rest = np.delete(rest, pivot, axis=1)
        rest = rest - np.outer(direction, direction @ rest)
    return basis


def _singular(factors: Matrices) -> bool | None:
    least = min(float(np.linalg.svd(T.astype(float))[1].min()) ** 2 for T in factors)
    outside = _decided(least, BOUNDARY)
    return None if outside is None else not outside
