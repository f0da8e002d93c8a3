"""Blocks of fits on disk, so that a call that was cut off continues where it was.

A file for each block, named by its responses and by a hash of their values. It exists completely or
not at all (`pylme.simulation.store.whole_files`). Blocks of other responses, or of another model,
have other names, so that nothing is read that does not belong to the call.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np

from pylme._version import __version__
from pylme.errors import DamagedStoreWarning, warn
from pylme.inference.many_contrasts import ManyFixedEffects
from pylme.responses.estimates import Estimates
from pylme.simulation.store.directory import made_folder, not_kept
from pylme.simulation.store.whole_files import write_whole

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from numpy.typing import NDArray

    from pylme.model_matrix.matrices import ModelMatrices

__all__ = ["ResponseStore", "hash_of_model"]


def hash_of_model(design: ModelMatrices, *options: Any) -> str:
    """A hash of everything but the responses that fits depend on.

    Parameters
    ----------
    design : ModelMatrices
    *options
        Plain values, such as the method of the degrees of freedom.
    """
    terms = [(t.label, t.names, t.levels, t.codes, t.columns) for t in design.terms]
    described = (
        __version__, design.X, design.x_names, design.weights, design.offset, terms, options
    )  # fmt: skip
    return str(joblib.hash(described, hash_name="sha1"))


class ResponseStore:
    """The blocks of one model.

    Parameters
    ----------
    folder : path
        Holds the folders of all models and studies.
    key : str
        The model's hash.

    Raises
    ------
    OptionError
        If the path cannot be a folder.
    StoreError
        If the folder cannot be made.
    """

    def __init__(self, folder: str | os.PathLike[str], key: str) -> None:
        self.folder = made_folder(folder, f"responses-{key[:16]}")
        self._paths: dict[int, Path] = {}

    def kept(
        self, first: int, stop: int, Y: NDArray[np.float64], weights: NDArray[np.float64] | None
    ) -> Estimates | None:
        """The fits of a block; None where they are not there or damaged, with a warning.

        Parameters
        ----------
        first, stop : int
            The responses, from and to.
        Y : ndarray, shape (R, n)
        weights : ndarray, shape (R, n), or None
        """
        content = str(joblib.hash((Y, weights), hash_name="sha1"))[:16]
        path = self.folder / f"{first:08d}-{stop:08d}-{content}.npz"
        self._paths[first] = path
        if not path.exists():
            return None
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                found = _estimates(dict(file))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
            warn(DamagedStoreWarning(folder=str(self.folder), damaged={path.name: str(error)}))
            return None
        return found

    def write(self, first: int, found: Estimates) -> None:
        """Write a block that was asked for before.

        Raises
        ------
        StoreError
            If the disk is full, or the folder cannot be written to.
        """
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **_arrays(found))
        try:
            write_whole(self._paths[first], buffer.getvalue())
        except OSError as error:
            raise not_kept(self.folder, error) from error


_TEXTS = ("status", "message")


def _arrays(found: Estimates) -> dict[str, Any]:
    made: dict[str, Any] = {"ddf": np.array(found.fixed.ddf)}
    for f in fields(ManyFixedEffects):
        if f.name != "ddf":
            made[f"fixed.{f.name}"] = getattr(found.fixed, f.name)
    for i, covariance in enumerate(found.covariances):
        made[f"covariance.{i}"] = covariance
    for f in fields(Estimates):
        if f.name not in {"fixed", "covariances"}:
            values = getattr(found, f.name)
            made[f.name] = values.astype(str) if f.name in _TEXTS else values
    return made


def _estimates(arrays: dict[str, Any]) -> Estimates:
    own = {f.name: arrays[f"fixed.{f.name}"] for f in fields(ManyFixedEffects) if f.name != "ddf"}
    ddf: Any = str(arrays["ddf"])
    terms = sum(name.startswith("covariance.") for name in arrays)
    plain = {
        f.name: arrays[f.name].astype(object) if f.name in _TEXTS else arrays[f.name]
        for f in fields(Estimates)
        if f.name not in {"fixed", "covariances"}
    }
    return Estimates(
        fixed=ManyFixedEffects(ddf=ddf, **own),
        covariances=tuple(arrays[f"covariance.{i}"] for i in range(terms)),
        **plain,
    )
