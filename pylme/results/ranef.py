"""Conditional modes of the random effects of one grouping factor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pylme.errors import UnknownNameError
from pylme.render import Document, Rendered, frame_table
from pylme.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


__all__ = ["ConditionalVariances", "EffectsByGroup", "RandomEffects"]


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


class EffectsByGroup(Rendered, dict[str, Any]):
    """Frames by grouping factor, a row for each level: a dict that notebooks show as tables.

    Parameters
    ----------
    frames : dict of str to DataFrame
        Levels as index, named after the grouping factor, effects as columns.
    native : callable
        Turns a frame into one of the library of the data.
    """

    def __init__(
        self, frames: Mapping[str, pd.DataFrame], native: Callable[[pd.DataFrame], Any]
    ) -> None:
        super().__init__({group: native(frame) for group, frame in frames.items()})
        self._frames = dict(frames)

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        # The frames alone are kept: what turned them into those of a library is the fit's.
        return dict, (dict(self),)

    def describe(self) -> Document:
        """A table for each grouping factor, of its first levels."""
        tables = [
            frame_table(frame, caption=f"{group}: {counted(len(frame), 'level')}", labels=True)
            for group, frame in self._frames.items()
        ]
        return Document(title=None, blocks=tuple(tables))


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
