"""The matrices of a linear mixed model, under lme4's names.

y = Xβ + Zb + offset + ε, b = Λ(θ)u. Z is not stored: its terms contain the level and the columns of
each row, so that memory does not grow with rows times levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pylme.errors import NotAvailableError
from pylme.families import Family
from pylme.frame import Factor, Rows
from pylme.model_matrix.random_term import RandomTerm, lambda_template, random_matrix, start
from pylme.model_matrix.recipe import Recipe, on_new_rows
from pylme.render import Document, Paragraph, Prose, Rendered

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pylme.frame import NaAction
    from pylme.model_matrix.recipe import NewRows

__all__ = ["ModelMatrices", "Represented", "without_rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Represented:
    """The rows that an equivalent, smaller set of rows stands for.

    Attributes
    ----------
    engine : str
        The package of the engine that holds them.
    n : int
        Their number.
    log_weights : float
        Σ log w of their prior weights, which the smaller set has in its columns.
    unevenness : float
        The largest of these weights over the least.
    lost : tuple of float
        a and b of a + b r, an estimate, on the safe side, of the error that the residual sum of
        squares r² has as a difference of sums of squares, and by the size of the rows.
    """

    engine: str
    n: int
    log_weights: float = 0.0
    unevenness: float = 1.0
    lost: tuple[float, float] = (0.0, 0.0)

    def refusal(self, asked: str) -> NotAvailableError:
        """The error for what needs the rows themselves."""
        return without_rows(asked, self.engine)


def without_rows(asked: str, engine: str) -> NotAvailableError:
    """The error for what needs rows that were never read.

    Parameters
    ----------
    asked : str
    engine : str
        The package of the engine that holds the rows.
    """
    return NotAvailableError(
        asked=asked,
        found=f"the fit was made from sums that {engine} computed, and holds no rows",
        remedy="Fit the model to the rows in memory, or to a sample of them: collect the data "
        "into pandas or polars first.",
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ModelMatrices(Rendered):
    """The matrices of a model, the counterpart of lme4's ``lFormula``.

    Attributes
    ----------
    formula : str
        As R writes it.
    y : ndarray, shape (n,)
        For a generalized model with counts of successes and failures, (n, 2).
    X : ndarray, shape (n, p)
        In Fortran order, without the columns that depend on others.
    x_names : tuple of str
        R's names of the p coefficients.
    assign : tuple of int
        The term of the fixed effects that each column belongs to, from 1; 0 for the intercept.
    dropped : tuple of str
        The columns left out as linearly dependent, as in lme4.
    aliases : ndarray, shape (p, dropped)
        The dropped columns are ``X @ aliases``.
    terms : tuple of RandomTerm
        The random-effects terms in lme4's order: by decreasing number of levels.
    weights : ndarray, shape (n,)
        Prior weights, 1 where none are given.
    offset : ndarray, shape (n,)
        The sum of all offsets.
    rows : Rows
        The rows of the data that are used.
    recipe : Recipe
        Makes the same columns from other rows.
    family : Family or None
        None for a linear model.
    represented : Represented or None
        Where these rows stand for more that have the same cross products.

    Examples
    --------
    >>> import pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> design = pylme.design("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> design.n, design.p, design.q
    (180, 2, 36)
    """

    formula: str
    y: NDArray[np.float64]
    X: NDArray[np.float64]
    x_names: tuple[str, ...]
    assign: tuple[int, ...]
    dropped: tuple[str, ...]
    aliases: NDArray[np.float64]
    terms: tuple[RandomTerm, ...]
    group_factors: Mapping[str, Factor]
    weights: NDArray[np.float64]
    offset: NDArray[np.float64]
    rows: Rows
    recipe: Recipe
    family: Family | None = None
    represented: Represented | None = None

    @property
    def n(self) -> int:
        """The number of rows."""
        return len(self.X)

    @property
    def nobs(self) -> int:
        """The number of rows of the data that are used."""
        return self.n if self.represented is None else self.represented.n

    def require_rows(self, asked: str) -> None:
        """Raise where these rows are not those of the data.

        Parameters
        ----------
        asked : str
            What needs the rows, as the message names it.

        Raises
        ------
        NotAvailableError
        """
        if self.represented is not None:
            raise self.represented.refusal(asked)

    @property
    def p(self) -> int:
        """The number of fixed effects."""
        return int(self.X.shape[1])

    @property
    def q(self) -> int:
        """The number of random effects."""
        return int(self.terms[-1].rows.stop)

    @property
    def Zt(self) -> sparse.csc_matrix:
        """Zᵀ, shape (q, n), computed at each call; no zeros are stored."""
        return random_matrix(self.terms, self.n)

    @property
    def Z(self) -> sparse.csc_matrix:
        """Z, shape (n, q), computed at each call."""
        return self.Zt.T.tocsc()

    @property
    def Lambdat(self) -> sparse.csc_matrix:
        """Λᵀ at the starting theta, shape (q, q); zeros within the template are stored."""
        pointers, indices, lind = lambda_template(self.terms)
        values = self.theta[lind - 1]
        return sparse.csc_matrix((values, indices, pointers), shape=(self.q, self.q))

    @property
    def Lind(self) -> NDArray[np.int32]:
        """The element of theta in each stored element of Λᵀ, counted from 1 as in lme4."""
        return lambda_template(self.terms)[2]

    @property
    def theta(self) -> NDArray[np.float64]:
        """Starting values as lme4's: 1 on the diagonals of the factors, 0 elsewhere."""
        return start(self.terms)[0]

    @property
    def lower(self) -> NDArray[np.float64]:
        """The lower bounds of theta: 0 on the diagonals, -inf elsewhere."""
        return start(self.terms)[1]

    @property
    def Gp(self) -> NDArray[np.int32]:
        """Where the terms begin among the random effects, and q."""
        return np.array([0, *(term.rows.stop for term in self.terms)], dtype=np.int32)

    @property
    def cnms(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The grouping factor and the column names of each term; a factor may come repeatedly."""
        return tuple((term.group, term.names) for term in self.terms)

    @property
    def flist(self) -> dict[str, Factor]:
        """The grouping factors, each once, in the order of the terms."""
        return dict(self.group_factors)

    def on(
        self,
        data: Any,
        *,
        offset: str | ArrayLike | None = None,
        na_action: NaAction = "omit",
    ) -> NewRows:
        """The same columns for new rows.

        Transformations keep the parameters learnt from the data of the model: centres, knots,
        levels.

        Parameters
        ----------
        data : DataFrame, Table or mapping of arrays
            With the columns that the right side of the formula names; the response is not needed.
        offset : str or array_like of shape (rows,), optional
            Replaces an offset that was given to the model as an array. An offset that was given as
            the name of a column is read again.
        na_action : {"omit", "fail"}

        Returns
        -------
        NewRows

        Raises
        ------
        ColumnTypeError
            If the type of a column is not that in the data of the model.
        ColumnValueError
            If a factor of the fixed effects, or of the left side of a bar, has a new level.
        """
        return on_new_rows(self.recipe, self.terms, data, offset=offset, na_action=na_action)

    def describe(self) -> Document:
        """The sizes of the matrices, and the names of their columns."""
        lines = [f"{self.n:,} rows, {self.p} fixed effects: {_listed(self.x_names)}"]
        if self.dropped:
            lines.append(f"dropped as linearly dependent: {_listed(self.dropped)}")
        lines += [
            f"{term.written}: {len(term.levels):,} levels, {_listed(term.names)}"
            for term in self.terms
        ]
        thetas = len(self.theta)
        lines.append(f"{self.q:,} random effects, {thetas} theta{'' if thetas == 1 else 's'}")
        items = tuple(Paragraph(line, 1, lines=(f"  {line}",)) for line in lines)
        return Document(title=f"Design of {self.formula}", blocks=(Prose(items),))

    def __repr__(self) -> str:
        return str(self)


def _listed(names: tuple[str, ...], most: int = 8) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
