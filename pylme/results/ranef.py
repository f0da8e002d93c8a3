"""Conditional modes of the random effects of one grouping factor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pylme.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


__all__ = ["ConditionalVariances", "RandomEffects"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomEffects:
    """Conditional modes b, by level and effect.

    Attributes
    ----------
    group : str
    names : tuple of str, length k
        The effects that vary, of all terms of the factor.
    levels : tuple of str
    modes : ndarray, shape (levels, k)
        On the scale of the linear predictor.
    """

    group: str
    names: tuple[str, ...]
    levels: tuple[str, ...]
    modes: NDArray[np.float64]

    def to_frame(self) -> pd.DataFrame:
        """The modes, levels as index (named after the grouping factor), effects as columns."""
        index = pd.Index(list(self.levels), name=self.group)
        return pd.DataFrame(self.modes.copy(), index=index, columns=list(self.names))


class ConditionalVariances(Mapping[str, NDArray[np.float64]]):
    """Conditional variances by grouping factor, each computed when it is first read.

    Parameters
    ----------
    groups : tuple of str
    compute : callable
        Gives the array of shape (levels, k, k) of a grouping factor.
    """

    def __init__(
        self, groups: tuple[str, ...], compute: Callable[[str], NDArray[np.float64]]
    ) -> None:
        self._groups = groups
        self._compute = compute
        self._known: dict[str, NDArray[np.float64]] = {}

    def __getitem__(self, group: str) -> NDArray[np.float64]:
        if group not in self._groups:
            raise UnknownNameError(what="grouping factor", name=group, known=self._groups)
        if group not in self._known:
            self._known[group] = self._compute(group)
        return self._known[group]

    def __iter__(self) -> Iterator[str]:
        return iter(self._groups)

    def __len__(self) -> int:
        return len(self._groups)
