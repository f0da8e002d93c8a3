"""Covariance structures: how a term's parameters θ make its relative covariance factor T.

The effects of one level have the covariance matrix Σ = σ²TTᵀ. A structure says which matrices T are
possible: it maps θ to T with first and second derivatives, and names, bounds and starts its
parameters.

    "us"     unstructured   T any lower triangular matrix, θ its cells by columns    lme4's (x | g)
    "diag"   diagonal       T = diag(θ)                                              lme4's (x || g)
    "cs", "ar1", and homogeneous ones                              `pylme.covariance.patterned`

A search moves free parameters. For the first two these are θ; for the others they are standard
deviations and a correlation, fewer than the elements of θ, and degrees of freedom count them.

(Bates, Mächler, Bolker & Walker 2015, sections 2.2 and 2.3.) A diagonal element of θ below zero
gives the same Σ as its absolute value, hence bounds of zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Literal, Protocol, TypeAlias

import numpy as np

from pylme.covariance.entries import Entries
from pylme.covariance.names import lower_triangle_places, parameter_name, theta_name
from pylme.covariance.patterned import Patterned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = [
    "HOMOGENEOUS",
    "Diagonal",
    "Kind",
    "Patterned",
    "Structure",
    "Unstructured",
    "structure_of",
]

#: The structures by the functions that formulas write them with.
Kind: TypeAlias = Literal["us", "diag", "cs", "ar1"]


class Structure(Protocol):
    """A family of relative covariance factors of k effects, with m parameters."""

    @property
    def kind(self) -> Kind:
        """The name of the structure in a formula."""
        ...

    @property
    def size(self) -> int:
        """The number of effects, k."""
        ...

    @property
    def n_parameters(self) -> int:
        """The number of parameters, m."""
        ...

    @property
    def cells(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns of the cells of T where the elements of θ stand, each of shape (m,)."""
        ...

    def factor(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """T, shape (..., k, k), of θ of shape (..., m)."""
        ...

    def parameters(self, factor: NDArray[np.float64]) -> NDArray[np.float64]:
        """θ, shape (..., m), of a T of this structure of shape (..., k, k)."""
        ...

    def derivatives(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """∂T/∂θ_i at θ of shape (m,), shape (m, k, k)."""
        ...

    def second_derivatives(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """∂²T/∂θ_i∂θ_j at θ of shape (m,), shape (m, m, k, k)."""
        ...

    def names(self, group: str, effects: Sequence[str]) -> tuple[str, ...]:
        """The names of the parameters."""
        ...

    def lower_bounds(self) -> NDArray[np.float64]:
        """The least values of the parameters, -inf where there is no bound, shape (m,)."""
        ...

    def upper_bounds(self) -> NDArray[np.float64]:
        """The largest values of the parameters, inf where there is no bound, shape (m,)."""
        ...

    def start(self) -> NDArray[np.float64]:
        """The θ of T = I, shape (m,)."""
        ...

    @property
    def hom(self) -> bool:
        """Whether all effects have the same standard deviation."""
        ...

    @property
    def pattern(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns of the cells of T that may differ from zero, and each one's θ."""
        ...

    @property
    def n_free(self) -> int:
        """The number of free parameters."""
        ...

    def free_names(self, group: str, effects: Sequence[str]) -> tuple[str, ...]:
        """lme4's names of the free parameters."""
        ...

    def free_bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The least and the largest values of the free parameters."""
        ...

    @property
    def components(self) -> tuple[tuple[int, int], ...]:
        """The cells of Σ whose standard deviations and correlations are the free parameters."""
        ...

    def component_names(self, effects: Sequence[str]) -> tuple[str, ...]:
        """broom.mixed's names of these standard deviations and correlations."""
        ...

    def component_values(
        self, sd: NDArray[np.float64], corr: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Their values, shape (R, n_free), of R matrices: sd of shape (R, k), corr (R, k, k)."""
        ...

    def theta_of(self, free: NDArray[np.float64]) -> NDArray[np.float64]:
        """θ, shape (m,), of the free parameters."""
        ...

    def free_of(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """The free parameters of θ of shape (m,)."""
        ...

    def covariance(self, free: NDArray[np.float64]) -> NDArray[np.float64]:
        """Σ/σ², shape (k, k), of the free parameters."""
        ...

    def covariance_derivatives(
        self, free: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """First and second derivatives of Σ/σ² by the free parameters."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cells(Entries):
    """A structure whose parameters are cells of T; all its other cells are zero.

    Attributes
    ----------
    size : int
        The number of effects, k.
    """

    def names(self, group: str, effects: Sequence[str]) -> tuple[str, ...]:
        """lme4's names of the parameters."""
        cells = zip(*(places.tolist() for places in self.cells), strict=True)
        return tuple([theta_name(group, effects[row], effects[column]) for row, column in cells])

    @property
    def hom(self) -> bool:
        """False: each effect has a standard deviation of its own."""
        return False

    @property
    def pattern(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns of the cells of T that may differ from zero, and each one's θ."""
        return (*self.cells, np.arange(self.n_parameters))

    @property
    def n_free(self) -> int:
        """The free parameters are θ."""
        return self.n_parameters

    def free_names(self, group: str, effects: Sequence[str]) -> tuple[str, ...]:
        """lme4's names of θ."""
        return self.names(group, effects)

    @property
    def components(self) -> tuple[tuple[int, int], ...]:
        """The cells of T that θ fills, in its order."""
        rows, columns = self.cells
        return tuple(zip(rows.tolist(), columns.tolist(), strict=True))

    def component_names(self, effects: Sequence[str]) -> tuple[str, ...]:
        """broom.mixed's names of standard deviations and correlations."""
        return tuple(
            [parameter_name(effects[i], effects[j], style="broom") for i, j in self.components]
        )

    def component_values(
        self, sd: NDArray[np.float64], corr: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Standard deviations and correlations, shape (R, n_free)."""
        columns = [sd[:, i] if i == j else corr[:, i, j] for i, j in self.components]
        return np.stack(columns, axis=1)

    def free_bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The bounds of θ."""
        return self.lower_bounds(), self.upper_bounds()

    def theta_of(self, free: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same."""
        return free

    def free_of(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same."""
        return theta

    def covariance(self, free: NDArray[np.float64]) -> NDArray[np.float64]:
        """TTᵀ, shape (k, k)."""
        T = self.factor(free)
        return np.asarray(T @ T.T)

    def covariance_derivatives(
        self, free: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """E_iTᵀ + TE_iᵀ and E_iE_jᵀ + E_jE_iᵀ, with E_i = ∂T/∂θ_i."""
        T, E = self.factor(free), self.derivatives(free)
        first = E @ T.T
        pairs = np.einsum("iac,jbc->ijab", E, E)
        return first + first.swapaxes(1, 2), pairs + pairs.swapaxes(2, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unstructured(_Cells):
    """All covariance matrices: T is lower triangular, θ its k(k + 1)/2 cells column by column.

    Attributes
    ----------
    size : int
        The number of effects, k.
    """

    kind: ClassVar[Kind] = "us"

    @property
    def cells(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns of the lower triangle."""
        return lower_triangle_places(self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagonal(_Cells):
    """Independent effects: T = diag(θ).

    Attributes
    ----------
    size : int
        The number of effects, k.
    """

    kind: ClassVar[Kind] = "diag"

    @property
    def cells(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns of the diagonal."""
        places = np.arange(self.size)
        return places, places


#: Whether a structure is homogeneous where a formula does not say.
HOMOGENEOUS: Final[Mapping[Kind, bool]] = {"us": False, "diag": False, "cs": False, "ar1": True}


def structure_of(kind: Kind, size: int, *, hom: bool | None = None) -> Structure:
    """The structure of a term by its name in a formula.

    Parameters
    ----------
    kind : {"us", "diag", "cs", "ar1"}
        A plain ``(effects | group)`` is "us".
    size : int
        The number of effects.
    hom : bool, optional
        Whether all effects have the same standard deviation; by default lme4's.

    Examples
    --------
    >>> structure_of("us", 3).n_parameters, structure_of("diag", 3).n_parameters
    (6, 3)
    >>> structure_of("cs", 3).n_free, structure_of("ar1", 4).n_free
    (4, 2)
    """
    homogeneous = HOMOGENEOUS[kind] if hom is None else hom
    if kind == "us":
        return Unstructured(size=size)
    if kind == "diag" and not homogeneous:
        return Diagonal(size=size)
    return Patterned(kind=kind, size=size, hom=homogeneous)
