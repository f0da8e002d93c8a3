"""Variances and correlations of the random effects, by term and by grouping factor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import block_diag

from pylme.covariance.correlation import correlation
from pylme.covariance.names import CellOrder, cells
from pylme.covariance.structure import Kind, structure_of
from pylme.errors import UnknownNameError
from pylme.formula import read_level_block
from pylme.frame import Library, label_index, to_native
from pylme.options import choice
from pylme.render import LEFT, RenderedTable, Table
from pylme.render.numbers import format_numbers, round_decimals
from pylme.versions import has

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pylme.covariance.structure import Structure

__all__ = [
    "GroupVarCorr",
    "VarCorr",
    "VarCorrTerm",
    "VarianceErrors",
    "varcorr_rows",
    "varcorr_table",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class VarCorrTerm:
    """The covariance matrix of one random-effects term.

    Attributes
    ----------
    group : str
        The grouping factor.
    label : str
        lme4's name of the block: the grouping factor, made unique where it has several terms.
    names : tuple of str, length k
        The effects that vary, as lme4 names them.
    cov, corr : ndarray, shape (k, k)
    sd : ndarray, shape (k,)
        In units of the response, per unit of the covariate for a slope.
    kind : {"us", "diag", "cs", "ar1"}
        The covariance structure by its name in a formula; a plain term is "us", unstructured.
    hom : bool
        Whether all effects have the same standard deviation.

    Examples
    --------
    >>> import pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy")
    >>> fit.varcorr.terms[0].sd.round(2)
    array([24.74,  5.92])
    """

    group: str
    label: str
    names: tuple[str, ...]
    cov: NDArray[np.float64]
    sd: NDArray[np.float64]
    corr: NDArray[np.float64]
    kind: Kind = "us"
    hom: bool = False

    @property
    def n_shown(self) -> int:
        """The rows that lme4 prints: one for a homogeneous term with a correlation."""
        return 1 if self.hom and self.kind != "diag" else len(self.names)

    @property
    def n_correlations(self) -> int:
        """The columns of correlations that lme4 prints."""
        k = len(self.names)
        return k - 1 if self.kind == "us" else int(self.kind != "diag" and k > 1)

    @property
    def structure(self) -> Structure:
        """How the term's elements of theta make its covariance matrix."""
        return structure_of(self.kind, len(self.names), hom=self.hom)


class GroupVarCorr:
    """The random effects of one grouping factor: all its terms, blocks that are independent.

    Attributes
    ----------
    group : str
    terms : tuple of VarCorrTerm

    Examples
    --------
    >>> import pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy")
    >>> fit.varcorr["Subject"].sd.round(2).to_dict()
    {'(Intercept)': 24.74, 'Days': 5.92}
    """

    def __init__(self, group: str, terms: tuple[VarCorrTerm, ...]) -> None:
        self.group = group
        self.terms = terms

    @property
    def names(self) -> tuple[str, ...]:
        """The effects of all terms, in order."""
        return tuple(name for term in self.terms for name in term.names)

    @property
    def sd(self) -> pd.Series[float]:
        """Standard deviations, by effect."""
        values = np.concatenate([term.sd for term in self.terms])
        return pd.Series(values, index=label_index(self.names), name="sd")

    @property
    def cov(self) -> pd.DataFrame:
        """Covariance matrix, by effect; zero between effects of different terms."""
        return self._labelled(block_diag(*(term.cov for term in self.terms)))

    @property
    def corr(self) -> pd.DataFrame:
        """Correlation matrix, by effect; NaN where either variance is zero."""
        if len(self.terms) == 1:
            return self._labelled(self.terms[0].corr)
        return self._labelled(correlation(block_diag(*(term.cov for term in self.terms))))

    def _labelled(self, matrix: NDArray[np.float64]) -> pd.DataFrame:
        names = self.names
        return pd.DataFrame(matrix.copy(), index=label_index(names), columns=label_index(names))

    def __repr__(self) -> str:
        return f"<GroupVarCorr {self.group!r}: {', '.join(self.names)}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class VarCorr(RenderedTable):
    """Variances, standard deviations and correlations of all random effects.

    Attributes
    ----------
    terms : tuple of VarCorrTerm
        In lme4's order.
    sigma : float or None
        The residual standard deviation; None for a family without a scale.
    library : {"pandas", "polars", "pyarrow"}
        The library of the data, in which `to_frame` returns its rows.

    Examples
    --------
    >>> fit.varcorr["Subject"].sd["Days"]  # doctest: +SKIP
    5.922
    """

    terms: tuple[VarCorrTerm, ...]
    sigma: float | None
    library: Library = "pandas"

    @property
    def groups(self) -> tuple[str, ...]:
        """The grouping factors, each once."""
        return tuple(dict.fromkeys(term.group for term in self.terms))

    @property
    def theta_names(self) -> tuple[str, ...]:
        """lme4's names of the elements of theta."""
        names = (term.structure.names(term.group, term.names) for term in self.terms)
        return tuple(name for of_term in names for name in of_term)

    def __getitem__(self, group: str) -> GroupVarCorr:
        terms = tuple(term for term in self.terms if term.group == group)
        if not terms:
            raise UnknownNameError(what="grouping factor", name=group, known=self.groups)
        return GroupVarCorr(group, terms)

    def __iter__(self) -> Iterator[str]:
        return iter(self.groups)

    def __len__(self) -> int:
        return len(self.groups)

    def __contains__(self, group: object) -> bool:
        return group in self.groups

    def to_frame(self, order: CellOrder = "cov.last") -> Any:
        """Every variance and covariance as a row, as R's ``as.data.frame(VarCorr(fit))``.

        Parameters
        ----------
        order : {"cov.last", "lower.tri"}
            Within a term the variances first, or the lower triangle column by column.

        Returns
        -------
        DataFrame
            Columns ``grp``, ``var1``, ``var2`` (None for a variance), ``vcov``, ``sdcor``.
            In the library of the data.

        Raises
        ------
        OptionError
            If `order` is neither of the two.
        """
        return to_native(varcorr_rows(self, order), self.library)

    def describe(self) -> Table:
        """The table that lme4's ``print(VarCorr(fit))`` shows.

        Terms that `pylme.group_specific` wrote are labelled by their level, and their effects by
        their names within the level; `to_frame` and a summary keep lme4's names.
        """
        return replace(self, terms=tuple(map(_by_level, self.terms))).table(digits=5)

    def table(
        self,
        *,
        digits: int,
        variances: bool = False,
        caption: str | None = None,
        notes: tuple[str, ...] = (),
    ) -> Table:
        """The table of groups, names, standard deviations and correlations.

        Parameters
        ----------
        digits : int
            Significant digits.
        variances : bool
            Whether the variances are shown next to the standard deviations, as in a summary.
        caption : str, optional
        notes : tuple of str
        """
        residual = [] if self.sigma is None else [self.sigma]
        sd = np.array([*(s for term in self.terms for s in term.sd[: term.n_shown]), *residual])
        columns = ["Groups", "Name", *(["Variance"] if variances else []), "Std.Dev."]
        numbers = [format_numbers(sd**2, digits=digits)] if variances else []
        numbers.append(format_numbers(sd, digits=digits))
        names = [
            (term.label if i == 0 else "", name)
            for term in self.terms
            for i, name in enumerate(term.names[: term.n_shown])
        ] + ([("Residual", "")] if residual else [])
        widest = max((term.n_correlations for term in self.terms), default=0)
        if widest:
            columns += ["Corr", *[""] * (widest - 1)]
        correlations = [
            row for term in self.terms for row in _correlation_cells(term, digits, widest)
        ] + [[""] * widest] * len(residual)
        matrices = any(term.kind == "us" and len(term.names) > 1 for term in self.terms)
        if matrices and has("blank_correlation"):
            columns[-1] += " "
            correlations = [[*row[:-1], row[-1] + " "] for row in correlations]
        rows = tuple(
            (*name, *(column[i] for column in numbers), *correlations[i])
            for i, name in enumerate(names)
        )
        return Table(
            columns=tuple(columns),
            rows=rows,
            row_names=("",) * len(rows),
            align=(LEFT,) * len(columns),
            caption=caption,
            notes=notes,
        )


def _by_level(term: VarCorrTerm) -> VarCorrTerm:
    """The term with the name of the factor level that it belongs to, if any."""
    block = read_level_block(term.names)
    if block is None:
        return term
    return replace(term, label=f"{term.group} ({block.by}: {block.level})", names=block.names)


def _correlation_cells(term: VarCorrTerm, digits: int, width: int) -> list[list[str]]:
    """Cells of the lower triangle, without the diagonal, padded with blanks to `width`.

    The one correlation of a structured term stands in its first row, with the structure's name.
    """
    shown = max(2, digits - 2)
    corr, k = term.corr, len(term.names)
    if term.kind != "us":
        cells = [[""] * width for _ in range(term.n_shown)]
        if term.n_correlations:
            (text,) = format_numbers([round_decimals(corr[1, 0], shown)], nsmall=shown)
            cells[0][0] = f"{text} ({term.kind})"
        return cells
    rounded = [round_decimals(r, shown) for r in corr.ravel(order="F")]
    texts = format_numbers(rounded, nsmall=shown)
    return [
        [texts[j * k + i] if j < i else "" for j in range(min(k, width))] + [""] * (width - k)
        for i in range(k)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class VarianceErrors:
    """Standard errors of all variance components, in the order of the terms.

    NaN for a term on the boundary, whose estimates are not asymptotically normal.

    Attributes
    ----------
    cov : tuple of ndarray, shapes (k, k)
        Of the elements of each term's covariance matrix.
    sdcor : tuple of ndarray, shapes (k, k)
        Of the standard deviations on the diagonal, of the correlations off the diagonal.
    variance, sigma : float
        Of the residual variance and of its square root.
    """

    cov: tuple[NDArray[np.float64], ...]
    sdcor: tuple[NDArray[np.float64], ...]
    variance: float
    sigma: float


def varcorr_rows(varcorr: VarCorr, order: CellOrder = "cov.last") -> pd.DataFrame:
    """Return the rows of `VarCorr.to_frame`, always in pandas."""
    order = choice("order", order, CellOrder)
    rows: list[tuple[str, str | None, str | None, float, float]] = [
        (term.label, term.names[j], None if i == j else term.names[i], term.cov[i, j],
         term.sd[i] if i == j else term.corr[i, j])
        for term in varcorr.terms
        for i, j in cells(len(term.names), order)
    ]  # fmt: skip
    if varcorr.sigma is not None:
        rows.append(("Residual", None, None, varcorr.sigma**2, varcorr.sigma))
    frame = _named(tuple([row[:3] for row in rows])).copy()
    for at in (3, 4):
        frame.isetitem(at, np.array([row[at] for row in rows], dtype=np.float64))
    return frame


@lru_cache(maxsize=256)
def _named(rows: tuple[tuple[str, str | None, str | None], ...]) -> pd.DataFrame:
    """The rows with their names, and numbers to come; texts take longer than all the rest."""
    grp, var1, var2 = zip(*rows, strict=True) if rows else ((),) * 3
    numbers = np.zeros(len(rows))
    # An index of objects stays as it is: what is missing is None whatever pandas makes of text.
    return pd.DataFrame(
        {
            "grp": list(grp),
            "var1": pd.Index(var1, dtype=np.dtype(object)),
            "var2": pd.Index(var2, dtype=np.dtype(object)),
            "vcov": numbers,
            "sdcor": numbers,
        }
    )


def varcorr_table(varcorr: VarCorr, errors: VarianceErrors) -> pd.DataFrame:
    """All variances, covariances, standard deviations and correlations with standard errors.

    Returns
    -------
    DataFrame
        Columns ``grp``, ``var1``, ``var2``, ``vcov``, ``vcov_std_error``, ``sdcor``,
        ``sdcor_std_error``; the rows as in ``varcorr.to_frame()``.
    """
    frame = varcorr_rows(varcorr)
    places = [np.array(cells(len(term.names), "cov.last")) for term in varcorr.terms]
    for at, (name, parts, residual) in enumerate(
        (
            ("vcov_std_error", errors.cov, errors.variance),
            ("sdcor_std_error", errors.sdcor, errors.sigma),
        )
    ):
        values = [part[place[:, 0], place[:, 1]] for part, place in zip(parts, places, strict=True)]
        if varcorr.sigma is not None:
            values.append(np.array([residual]))
        frame.insert(4 + 2 * at, name, np.concatenate(values))
    return frame
