"""R on the reference BLAS, where another one is installed for speed.

lme4's verdict on a criterion that is flat in some direction turns on the last bit, and so do counts
of "converged" fits. The reference BLAS gives the same bits on every processor; OpenBLAS, which the
installer gives to R, does not. R takes the libraries that are already loaded under the names that
it asks for, so it is enough to load them before R starts.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import Final

__all__ = ["prefer_reference_blas", "reference_libraries"]

#: Where Debian keeps them, whatever R runs on.
_PATTERNS: Final = ("*/blas/libblas.so.3", "*/lapack/liblapack.so.3")


def reference_libraries() -> list[Path]:
    """The reference BLAS and LAPACK; nothing where they are not both there."""
    found = [sorted(Path("/usr/lib").glob(pattern)) for pattern in _PATTERNS]
    return [paths[0] for paths in found] if all(found) else []


def prefer_reference_blas() -> None:
    """Let R run on the reference BLAS in this process, if there is one and R has not started."""
    if "rpy2.rinterface" not in sys.modules:
        for library in reference_libraries():
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
