"""The mode of the random effects given the parameters, by Newton's method (PIRLS).

û minimises D(u) + uᵀu. With the score s and the observed information W_o of the rows at u,

    g = ΛᵀZᵀs - u      H = ΛᵀZᵀW_oZΛ + I      u ← u + H⁻¹g

where H is not positive definite the expected information stands in place of W_o. The iterations
stop after a step with gᵀH⁻¹g below the tolerance, the predicted fall of D + uᵀu. A step is halved
where D + uᵀu rises; with one grouping factor by each level separately, as otherwise one bad level
would hold up all.

With `joint`, the fixed effects are a part of the mode: that is lme4's nAGQ = 0.

References
----------
Bates, Mächler, Bolker & Walker (2015), Journal of Statistical Software 67(1), section 3.
Breslow & Clayton (1993), Journal of the American Statistical Association 88, 9-25.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from pylme.families.rows import RowFunction, RowValues

if TYPE_CHECKING:
    from pylme.reference.generalized.algebra.one_factor import OneFactorAlgebra
    from pylme.reference.generalized.algebra.several_factors import SeveralFactorsAlgebra

    Algebra = OneFactorAlgebra | SeveralFactorsAlgebra

__all__ = ["EXACT", "QUICK", "Joint", "Mode", "Penalised", "back", "dot", "transformed"]

Arrays = list[NDArray[np.float64]]

#: The predicted fall of D + uᵀu at which a search stops iterating; the criterion is right to 6e-9.
QUICK: Final = 1e-6
#: The same where derivatives are differenced.
EXACT: Final = 1e-12
#: A rise of D + uᵀu by less than this part of itself is a rounding error.
ROUNDING: Final = 1e-9
#: So near the mode that D + uᵀu cannot tell a step from a rounding error.
NO_TEST: Final = 1e-8
MOST_ITERATIONS: Final = 200
MOST_HALVINGS: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Joint:
    """The fixed effects where they are a part of the mode.

    Attributes
    ----------
    Y : list of ndarray, shapes (p, K_f, J_f)
        H⁻¹ΛᵀZᵀW_oX.
    S : ndarray, shape (p, p)
        XᵀW_oX - XᵀW_oZΛH⁻¹ΛᵀZᵀW_oX.
    """

    Y: Arrays
    S: NDArray[np.float64]

    def solve(
        self, H: Any, v: Arrays, x: NDArray[np.float64]
    ) -> tuple[Arrays, NDArray[np.float64]]:
        """The solution (λ, m) of the joint equations with right sides v and x."""
        less = sum(np.einsum("paj,aj->p", Y, v_f) for Y, v_f in zip(self.Y, v, strict=True))
        m = np.linalg.solve(self.S, x - less) if len(x) else x
        first = H.solve(v)
        return [own - np.tensordot(m, Y, axes=1) for own, Y in zip(first, self.Y, strict=True)], m


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mode:
    """The mode at one set of parameters.

    Attributes
    ----------
    u : list of ndarray, shapes (K_f, J_f)
    beta : ndarray, shape (p,)
        The fixed effects: those given, or their part of the joint mode.
    eta : ndarray, shape (n,)
    values : RowValues
        At η.
    H : object
        The factored ΛᵀZᵀW_oZΛ + I there.
    joint : Joint or None
    iterations : int
    """

    u: Arrays
    beta: NDArray[np.float64]
    eta: NDArray[np.float64]
    values: RowValues
    H: Any
    joint: Joint | None
    iterations: int

    @property
    def usq(self) -> float:
        """ûᵀû."""
        return float(sum(np.vdot(part, part) for part in self.u))


def transformed(T: Arrays, u: Arrays) -> Arrays:
    """Λu, by factor: shapes (..., K_f, J_f)."""
    return [
        T_f[0, 0] * part if len(T_f) == 1 else np.asarray(T_f @ part)
        for T_f, part in zip(T, u, strict=True)
    ]


def back(T: Arrays, v: Arrays) -> Arrays:
    """Λᵀv, by factor: shapes (..., K_f, J_f)."""
    return [
        T_f[0, 0] * part if len(T_f) == 1 else np.asarray(T_f.T @ part)
        for T_f, part in zip(T, v, strict=True)
    ]


def dot(left: Arrays, right: Arrays) -> float:
    """The inner product."""
    return float(sum(np.vdot(a, b) for a, b in zip(left, right, strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Penalised:
    """D(u) + uᵀu of one model at one Λ, as a function of u (and, jointly, of β).

    Attributes
    ----------
    algebra : OneFactorAlgebra or SeveralFactorsAlgebra
    rows : RowFunction
        In the order of the algebra, as `Xt`.
    T : list of ndarray, shapes (K_f, K_f)
    Xt : ndarray, shape (p, n)
    joint : bool
        Whether β is a part of the mode.
    """

    algebra: Algebra
    rows: RowFunction
    T: Arrays
    Xt: NDArray[np.float64]
    joint: bool = False

    def mode(
        self,
        offset: NDArray[np.float64],
        beta: NDArray[np.float64],
        *,
        start: Arrays | None = None,
        tolerance: float = QUICK,
    ) -> Mode | None:
        """The mode; None where no iterate has a finite deviance or a positive definite H.

        Parameters
        ----------
        offset : ndarray, shape (n,)
        beta : ndarray, shape (p,)
            The fixed effects, or where the iterations start.
        start : list of ndarray, shapes (K_f, J_f), optional
        tolerance : float
        """
        u, found = self._beginning(offset + beta @ self.Xt, start)
        if found is None:
            return None
        eta, values = found
        # D + uᵀu where the last step ended, if it was computed.
        height: Any = None
        for iteration in range(1, MOST_ITERATIONS + 1):
            if (H := self._information(values)) is None:
                return None
            score = values.derivatives.score
            g = [a - b for a, b in zip(back(self.T, self.algebra.gather(score)), u, strict=True)]
            if self.joint:
                gx = self.Xt @ score
                step, m = self._joint(values, H).solve(H, g, gx)
                fall = dot(g, step) + float(gx @ m)
            else:
                step, m = H.solve(g), None
                fall = dot(g, step)
            if not np.isfinite(fall):
                return None
            tested = abs(fall) >= NO_TEST
            if tested and height is None:
                height = self._value(values, u, by_level=self._by_level)
            moved = self._moved((u, step, m), eta, height if tested else None)
            if moved is None:
                return None
            u, share, eta, values, height = moved
            if m is not None:
                beta = beta + share * m
            if abs(fall) < tolerance:
                if (H := self._information(values)) is None:
                    return None
                return Mode(
                    u=u, beta=beta, eta=eta, values=values, H=H,
                    joint=self._joint(values, H) if self.joint else None, iterations=iteration,
                )  # fmt: skip
        return None

    @property
    def _by_level(self) -> bool:
        """Whether the fall of D + uᵀu is tested in each level."""
        return self.algebra.separable and not self.joint

    def _beginning(
        self, fixed: NDArray[np.float64], start: Arrays | None
    ) -> tuple[Arrays, tuple[NDArray[np.float64], RowValues] | None]:
        """The first u of those given and zero that has a finite deviance."""
        zero = [np.zeros(shape) for shape in self.algebra.shapes]
        for u in [zero] if start is None else [start, zero]:
            eta = fixed + self.algebra.expand(transformed(self.T, u))
            if (values := possible_values(self.rows, eta)) is not None:
                return u, (eta, values)
        return zero, None

    def _information(self, values: RowValues) -> Any:
        """The factored H; by the expected information where the observed makes it indefinite."""
        d = values.derivatives
        H = self.algebra.factor(self.T, d.observed)
        if not np.isfinite(H.logdet) and not self.rows.canonical:
            H = self.algebra.factor(self.T, d.expected)
        return H if np.isfinite(H.logdet) else None

    def _joint(self, values: RowValues, H: Any) -> Joint:
        """The joint equations of the random and the fixed effects."""
        w = values.derivatives.observed
        P = back(self.T, self.algebra.gather(w * self.Xt))
        Y = H.solve(P)
        S = (w * self.Xt) @ self.Xt.T
        for left, right in zip(P, Y, strict=True):
            S = S - np.einsum("paj,raj->pr", left, right)
        return Joint(Y=Y, S=S)

    def _moved(
        self,
        step: tuple[Arrays, Arrays, NDArray[np.float64] | None],
        eta: NDArray[np.float64],
        height: Any,
    ) -> tuple[Arrays, Any, NDArray[np.float64], RowValues, Any] | None:
        """The point after the step, or after parts of it where D + uᵀu would rise above `height`.

        Nothing is tested where that is None.
        """
        u, du, m = step
        along = self.algebra.expand(transformed(self.T, du))
        if m is not None:
            along = along + m @ self.Xt
        share: Any = 1.0
        for _ in range(MOST_HALVINGS):
            if isinstance(share, float) and share == 1.0:
                there = eta + along
                moved = [a + b for a, b in zip(u, du, strict=True)]
            else:
                by_row = share[self.algebra.codes] if np.ndim(share) else share
                there = eta + by_row * along
                moved = [a + share * b for a, b in zip(u, du, strict=True)]
            new = possible_values(self.rows, there)
            bad: Any = new is None
            after: Any = None
            if new is not None and height is not None:
                after = self._value(new, moved, by_level=self._by_level)
                bad = after > height + ROUNDING * np.abs(height)
            if new is not None and not np.any(bad):
                return moved, share, there, new, after
            each = self._by_level and np.ndim(bad)
            share = np.where(bad, 0.5 * share, share) if each else 0.5 * share
        return None

    def _value(self, values: RowValues, u: Arrays, *, by_level: bool) -> Any:
        """D + uᵀu, of each level or of all."""
        if by_level:
            return self.algebra.by_level(values.deviance) + (u[0] * u[0]).sum(axis=0)
        return float(values.deviance.sum()) + dot(u, u)


def possible_values(rows: RowFunction, eta: NDArray[np.float64]) -> RowValues | None:
    """The rows at η; None where a mean is impossible or a deviance not finite."""
    if not rows.possible(eta):
        return None
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        values = rows.at(eta)
        total = values.deviance.sum() + values.derivatives.observed.sum()
    return values if np.isfinite(total) else None
