"""Drawn data: responses, and the random effects and errors that they consist of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pylme.draws.seeds import Seeds
from pylme.errors import OptionError
from pylme.frame import Library, to_native
from pylme.options import is_whole
from pylme.render import Document, Facts, Rendered

if TYPE_CHECKING:
    from collections.abc import Iterator


__all__ = ["DrawnTerm", "Simulation", "with_column"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnTerm:
    """A random-effects term whose effects were drawn.

    Attributes
    ----------
    label : str
        The term without its parentheses.
    group : str
    names : tuple of str, length k
    levels : tuple of str
        With `by`, the levels of one part follow those of the part before.
    """

    label: str
    group: str
    names: tuple[str, ...]
    levels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Simulation(Rendered):
    """Replicates of a model's data.

    Attributes
    ----------
    response : str
        The column that was drawn.
    data : DataFrame, Table or mapping
        The predictors, as given.
    y : ndarray, shape (rows, n)
        A replicate in each column; NaN in rows where a predictor is missing.
    errors : ndarray, shape (rows, n)
    terms : tuple of DrawnTerm
    random_effects : mapping of str to ndarray, shapes (n, levels, k)
        By the label of the term.
    seeds : Seeds
        ``seeds.entropy``, passed as `seed`, gives the same draws again.
    first : int
        The number of the first replicate among those of the seed.
    library : {"pandas", "polars", "pyarrow"}
        The library of the data, in which frames are given.

    Examples
    --------
    >>> import pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy")
    >>> fit.simulator().draw(2, seed=1).y.shape
    (180, 2)
    """

    response: str
    data: Any
    y: NDArray[np.float64]
    errors: NDArray[np.float64]
    terms: tuple[DrawnTerm, ...]
    random_effects: Mapping[str, NDArray[np.float64]]
    seeds: Seeds
    first: int
    library: Library

    def __len__(self) -> int:
        return int(self.y.shape[1])

    def to_frame(self, i: int = 0) -> Any:
        """The data of a replicate: the given table with the response.

        Parameters
        ----------
        i : int
            From 0; negative numbers count from the end.

        Raises
        ------
        OptionError
            If the replicate does not exist.
        """
        return with_column(self.data, self.response, self.y[:, self._checked(i)].copy())

    def frames(self) -> Iterator[Any]:
        """The data of each replicate in turn."""
        return (self.to_frame(i) for i in range(len(self)))

    def ranef(self, i: int = 0) -> dict[str, Any]:
        """The random effects of a replicate by term: levels as index, effects as columns.

        Parameters
        ----------
        i : int
            The replicate, from 0.

        Returns
        -------
        dict of str to DataFrame
            In the library of the data. Where that has no row labels, the levels are the first
            column, under the name of the grouping factor.
        """
        at = self._checked(i)
        return {
            term.label: to_native(
                pd.DataFrame(
                    self.random_effects[term.label][at].copy(),
                    index=pd.Index(list(term.levels), name=term.group),
                    columns=list(term.names),
                ),
                self.library,
            )
            for term in self.terms
        }

    def _checked(self, i: object) -> int:
        whole = int(cast("int", i)) if is_whole(i) else len(self)
        if not -len(self) <= whole < len(self):
            raise OptionError(option="i", value=i, allowed=f"a replicate from 0 to {len(self) - 1}")
        return whole

    def describe(self) -> Document:
        """What was drawn: replicates, rows, and the levels of each term."""
        rows, n = self.y.shape
        facts = [("Replicates", f"{n:,}"), ("Rows", f"{rows:,}")]
        facts += [(f"({term.label})", f"{len(term.levels):,} levels") for term in self.terms]
        facts.append(("Seed", str(self.seeds.entropy)))
        return Document(title=f"Simulation of {self.response}", blocks=(Facts(tuple(facts)),))

    def __repr__(self) -> str:
        rows, n = self.y.shape
        terms = ", ".join(f"({term.label}): {len(term.levels)} levels" for term in self.terms)
        return (
            f"<Simulation of {self.response!r}: {n} replicate{'s' * (n != 1)} of {rows} rows; "
            f"{terms}>"
        )


def with_column(data: Any, name: str, values: NDArray[np.float64]) -> Any:
    """The table with a column added, or replaced where the name exists.

    Parameters
    ----------
    data : DataFrame, Table or mapping of arrays
        Not changed.
    name : str
    values : ndarray, shape (rows,)

    Returns
    -------
    DataFrame, Table or dict
        Of the same library.
    """
    if isinstance(data, pd.DataFrame):
        return data.assign(**{name: values})
    if isinstance(data, Mapping):
        return {**data, name: values}
    frame = nw.from_native(data, eager_only=True)
    column = nw.new_series(name, values, backend=frame.implementation)
    return frame.with_columns(column).to_native()
