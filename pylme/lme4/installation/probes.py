"""R and rpy2 tried out in processes of their own, so that nothing is started in this one."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pylme.lme4.installation.installed import RInstallation

__all__ = ["PROBED_PACKAGES", "ProbeError", "ask_r", "ask_rpy2"]

#: The packages whose versions doctor.R tells.
PROBED_PACKAGES: Final = ("lme4", "Matrix", "nlme", "minqa", "nloptr")

_MARK: Final = "pylme\t"
_START_R: Final = """
import rpy2.rinterface as rinterface
rinterface.initr()
version = rinterface.evalr('paste(R.version$major, R.version$minor, sep = ".")')[0]
rinterface.evalr('loadNamespace("lme4")')
print("pylme\\tversion\\t" + version, flush=True)
"""


class ProbeError(Exception):
    """A process that failed or gave no answer; the text says how."""


def ask_r(r: RInstallation, *, fit: bool, timeout: float) -> dict[str, str]:
    """What R says of itself, its BLAS and its packages; with a small model fitted if asked.

    Raises
    ------
    ProbeError
        If R does not run, or not in time.
    """
    with as_file(files("pylme.lme4.installation").joinpath("doctor.R")) as script:
        command: list[str | Path] = [r.rscript, script]
        return _answers(_output([*command, "fit"] if fit else command, timeout=timeout))


def ask_rpy2(*, timeout: float) -> dict[str, str]:
    """The version of the R that rpy2 starts, after it has loaded lme4.

    Raises
    ------
    ProbeError
        If rpy2 cannot be imported, cannot start R, or cannot load lme4.
    """
    return _answers(_output([sys.executable, "-c", _START_R], timeout=timeout))


def _answers(output: str) -> dict[str, str]:
    answers = [line.split("\t", 2) for line in output.splitlines() if line.startswith(_MARK)]
    return {key: value for _, key, value in answers}


def _output(command: Sequence[str | Path], *, timeout: float) -> str:
    try:
        done = subprocess.run(  # noqa: S603  (this Python, and the R that rpy2 would start)
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ProbeError(f"no answer within {timeout:g} s") from None
    except OSError as error:
        raise ProbeError(str(error)) from error
    if done.returncode != 0:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise ProbeError(said[-1] if said else f"it ended with status {done.returncode}")
    return done.stdout
