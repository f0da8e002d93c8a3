"""The design that many responses share, and what is left of it where some rows are missing."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from pylme.arrays import locked
from pylme.errors import NotAvailableError, OptionError
from pylme.frame.table import DataTable, open_table
from pylme.model_matrix.build import build
from pylme.model_matrix.matrices import ModelMatrices
from pylme.model_matrix.model_matrix import independent_columns
from pylme.model_matrix.random_term import in_order
from pylme.model_matrix.requirements import require_fittable
from pylme.model_matrix.spec import specified, unused_name

if TYPE_CHECKING:
    from pylme.families import Family
    from pylme.model_matrix.random_term import RandomTerm
    from pylme.model_matrix.spec import ModelArguments

__all__ = ["Part", "SharedDesign", "part_of", "shared_design"]

_LEFT: Final = re.compile(r"\s*(?:\.\s*)?~")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SharedDesign:
    """One design for all responses.

    Attributes
    ----------
    formula : str
        As it was given.
    table : DataTable
        The data of the predictors.
    matrices : ModelMatrices
        Their response is a stand-in that nobody reads.
    kept : ndarray of bool, shape (rows,), or None
        The rows of the data that are used; None where all are.
    reml : bool
    """

    formula: str
    table: DataTable
    matrices: ModelMatrices
    kept: NDArray[np.bool_] | None
    reml: bool

    def rows_of(self, block: NDArray[np.float64]) -> NDArray[np.float64]:
        """The used rows of some responses, a response in each row: shape (R, n).

        Parameters
        ----------
        block : ndarray, shape (rows, R)
        """
        used = block if self.kept is None else block[self.kept]
        return np.ascontiguousarray(used.T)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """The design on some of its rows.

    Attributes
    ----------
    matrices : ModelMatrices
    rows : ndarray of bool, shape (n,)
    columns : ndarray of int
        The columns of X that are independent there.
    fault : str
        Why nothing can be fitted to these rows; empty where it can.
    """

    matrices: ModelMatrices
    rows: NDArray[np.bool_]
    columns: NDArray[np.intp]
    fault: str = ""


def shared_design(formula: str, data: Any, arguments: ModelArguments) -> SharedDesign:
    """The design of a formula whose left side is left out or a dot.

    Raises
    ------
    OptionError
        If the formula has a response.
    NotAvailableError
        If a term has a covariance structure.
    FormulaError, DataError
        As `lmer`.
    """
    if not isinstance(formula, str) or not (left := _LEFT.match(formula)):
        raise OptionError(
            option="formula", value=formula,
            allowed="a formula without a response, such as '~ x + (1 | g)' or '. ~ x + (1 | g)': "
            "the responses are an argument of their own",
        )  # fmt: skip
    table = open_table(data)
    name = unused_name("response", list(table.labels))
    whole = _with_stand_in(table, name, arguments.family)
    spec = specified(f"{name} ~{formula[left.end() :]}", whole, arguments)
    require_fittable(spec)
    matrices = build(spec)
    if any(term.structure.kind != "us" for term in matrices.terms):
        raise NotAvailableError(
            asked=f"Fitting many responses to {formula}",
            found="fits in batches are of terms without a covariance structure",
            remedy='Fit the responses one by one by lmer(..., engine="numpy").',
        )
    return SharedDesign(
        formula=formula,
        table=table,
        matrices=matrices,
        kept=matrices.rows.kept,
        reml=arguments.reml and matrices.p > 0,
    )


def _with_stand_in(table: DataTable, name: str, family: Family | None) -> DataTable:
    """The table with a column that serves as a response while the design is made."""
    values: NDArray[np.float64] = np.random.default_rng(0).standard_normal(table.nrow)
    if family is not None:
        # 0 and 1 are in the range of binary and count responses, 1 and 2 in that of the others.
        least = 0.0 if family.name in {"binomial", "poisson", "negative.binomial"} else 1.0
        values = np.asarray(least + np.arange(table.nrow) % 2, dtype=np.float64)
    if table.given is not None:
        return open_table({**table.given, name: values})
    take = table.take
    return replace(
        table,
        labels={**table.labels, name: name},
        take=lambda label: values if isinstance(label, str) and label == name else take(label),
    )


def part_of(design: ModelMatrices, rows: NDArray[np.bool_]) -> Part:
    """The design on some of its rows.

    Columns of X that depend on others there are left out, and levels without rows, too.

    Parameters
    ----------
    design : ModelMatrices
    rows : ndarray of bool, shape (n,)
    """
    if rows.all():
        return Part(matrices=design, rows=rows, columns=np.arange(design.p))
    X = design.X[rows]
    columns = independent_columns(X)
    terms = in_order(_term_on(term, rows) for term in design.terms)
    fault = _fault(terms, n=int(rows.sum()), p=len(columns))
    matrices = replace(
        design,
        y=locked(design.y[rows]),
        X=locked(X[:, columns], order="F"),
        x_names=tuple(design.x_names[i] for i in columns),
        assign=tuple(design.assign[i] for i in columns),
        terms=terms,
        weights=locked(design.weights[rows]),
        offset=locked(design.offset[rows]),
    )
    return Part(matrices=matrices, rows=rows, columns=columns, fault=fault)


def _term_on(term: RandomTerm, rows: NDArray[np.bool_]) -> RandomTerm:
    present, codes = np.unique(term.codes[rows], return_inverse=True)
    return replace(
        term,
        levels=tuple(term.levels[i] for i in present),
        codes=locked(codes.astype(np.int32)),
        columns=locked(term.columns[rows], order="F"),
    )


def _fault(terms: tuple[RandomTerm, ...], *, n: int, p: int) -> str:
    """Why no model can be fitted to so few rows; the rules are those of `lmer`."""
    if n <= p:
        return f"{n} rows without missing values for {p} fixed effects"
    for term in terms:
        if len(term.levels) < 2:
            return f"{term.group} has one level in the rows without missing values"
        if term.n_effects >= n:
            return (
                f"{term.written} has {term.n_effects} random effects for {n} rows without "
                "missing values"
            )
    return ""
