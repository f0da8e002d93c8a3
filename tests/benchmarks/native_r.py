"""An R of its own, which fits with lme4 and times itself, told what to do over a pipe."""

from __future__ import annotations

import atexit
import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["R_SCRIPTS", "NativeR", "native_r", "reference_blas"]

R_SCRIPTS = Path(__file__).parents[2] / "r_scripts"


class NativeR:
    """R at work on ``native_fits.R``.

    Parameters
    ----------
    blas : sequence of directories
        Those of another BLAS and LAPACK than R's own choice, for this R alone.
    """

    def __init__(self, blas: Sequence[Path] = ()) -> None:
        self._home = tempfile.TemporaryDirectory()
        self._said = Path(self._home.name, "stderr")
        with self._said.open("w", encoding="utf-8") as said:
            self._process = subprocess.Popen(
                ["Rscript", str(R_SCRIPTS / "native_fits.R")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                env=os.environ | _search_path(blas),
            )
        (self.blas,), _lapack = self._ask("blas")
        if any(not Path(self.blas).is_relative_to(d) for d in blas[:1]):
            raise RuntimeError(f"R was to run on the BLAS in {blas[0]}, and runs on {self.blas}")

    def read(self, name: str, data: pd.DataFrame) -> None:
        """Take a frame into R's memory."""
        directory = Path(tempfile.mkdtemp(dir=self._home.name))
        kinds = [_write_column(data[column], directory / str(i)) for i, column in enumerate(data)]
        lines = [f"{column}\t{kind}\n" for column, kind in zip(data, kinds, strict=True)]
        (directory / "columns.txt").write_text("".join(lines), encoding="utf-8")
        ((rows,),) = self._ask("read", name, str(directory))
        if int(rows) != len(data):
            raise RuntimeError(f"R read {rows} rows of {len(data)}")

    def fit(self, name: str, formula: str) -> list[np.ndarray]:
        """Seconds, criterion, fixed effects, their standard errors, sdcor of VarCorr."""
        return [np.array(part, dtype=float) for part in self._ask("fit", name, formula)]

    def generalized(self, name: str, formula: str, *, negative: bool) -> list[np.ndarray]:
        """Seconds and criterion of glmer for a binomial response, or of glmer.nb."""
        kind = "negative" if negative else "binomial"
        return [
            np.array(part, dtype=float) for part in self._ask("generalized", name, formula, kind)
        ]

    def loop(
        self, name: str, formula: str, response: str, responses: np.ndarray
    ) -> list[np.ndarray]:
        """Seconds and criteria of a fit for each row of ``responses``, (replicates, rows)."""
        file = Path(self._home.name, "responses.bin")
        np.ascontiguousarray(responses, dtype=float).tofile(file)
        answer = self._ask("loop", name, formula, response, str(file))
        return [np.array(part, dtype=float) for part in answer]

    def influence(self, name: str, formula: str, group: str) -> list[np.ndarray]:
        """Seconds of lme4's ``influence``, and the coefficients without each level, (J * p,)."""
        return [
            np.array(part, dtype=float) for part in self._ask("influence", name, formula, group)
        ]

    def after(self, name: str, formula: str, expression: str) -> list[np.ndarray]:
        """Seconds of an expression in ``fit``, a fit that is not timed, and its numbers."""
        return [
            np.array(part, dtype=float) for part in self._ask("after", name, formula, expression)
        ]

    def _ask(self, *words: str) -> list[list[str]]:
        self._process.stdin.write("\t".join(words) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"R stopped at {words}:\n{self._said.read_text(encoding='utf-8')}")
        return [part.split(" ") for part in answer.rstrip("\n").split("\t")]

    def close(self) -> None:
        """Let R end, and take away what it has read."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._home.cleanup()


@cache
def native_r(*blas: Path) -> NativeR:
    """The R on a BLAS, one for the whole run."""
    r = NativeR(blas)
    atexit.register(r.close)
    return r


def reference_blas() -> list[Path]:
    """Where Debian keeps the reference BLAS and LAPACK, whatever R runs on; or nothing."""
    found = [sorted(Path("/usr/lib").glob(f"*/{name}/lib{name}.so.3")) for name in _LIBRARIES]
    return [files[0].parent for files in found] if all(found) else []


_LIBRARIES = ("blas", "lapack")


def _search_path(blas: Sequence[Path]) -> dict[str, str]:
    """R's own variable for what its libraries are searched in; it wants R's own library too."""
    if not blas:
        return {}
    home = subprocess.run(["R", "RHOME"], capture_output=True, text=True, check=True).stdout.strip()
    return {"R_LD_LIBRARY_PATH": ":".join([*map(str, blas), f"{home}/lib"])}


def _write_column(column: pd.Series, stem: Path) -> str:
    """Write the numbers as they lie in memory; the kind of column for R."""
    numbers = stem.with_suffix(".bin")
    if isinstance(column.dtype, pd.CategoricalDtype):
        (column.cat.codes.to_numpy(np.int32) + np.int32(1)).tofile(numbers)
        levels = "\n".join(map(str, column.cat.categories)) + "\n"
        stem.with_suffix(".levels").write_text(levels, encoding="utf-8")
        return "factor"
    kind = "float" if column.dtype.kind == "f" else "int"
    column.to_numpy(np.float64 if kind == "float" else np.int32).tofile(numbers)
    return kind
