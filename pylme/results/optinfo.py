"""The optimiser's record: its path, its result, and the checks of the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pylme.frame import Library, to_native
from pylme.render import Document, Facts, Rendered, Table
from pylme.render.numbers import format_numbers
from pylme.results.certificate import Certificate

__all__ = ["Lme4Checks", "OptInfo", "Trace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lme4Checks:
    """The result of lme4's own convergence checks: ``@optinfo$conv$lme4`` where it is not NULL.

    Attributes
    ----------
    messages : tuple of str
    codes : tuple of int
        Negative: a failed check; positive: a notice. A singular fit has a message and no code.
    gradient, hessian : bool
        Whether they were checked: not if the check is switched off or the fit is singular.
    """

    messages: tuple[str, ...]
    codes: tuple[int, ...]
    gradient: bool
    hessian: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Every evaluation of the criterion during a search.

    Attributes
    ----------
    theta : ndarray, shape (evaluations, m)
        Relative covariance parameters in lme4's order.
    criterion : ndarray, shape (evaluations,)
    accepted : tuple of bool
        Whether the search continued from this point.
    library : {"pandas", "polars", "pyarrow"}
        The library of the data, in which `to_frame` returns its rows.
    """

    theta: NDArray[np.float64]
    criterion: NDArray[np.float64]
    accepted: tuple[bool, ...]
    library: Library = "pandas"

    def __len__(self) -> int:
        return len(self.criterion)

    def to_frame(self) -> Any:
        """A row for each evaluation.

        Returns
        -------
        DataFrame
            Index: the number of the evaluation, from 1. Columns ``criterion``, ``accepted``,
            ``theta1``, ``theta2``, …. In the library of the data; where that has no row labels, the
            number is the first column.
        """
        columns = {f"theta{k + 1}": self.theta[:, k] for k in range(self.theta.shape[1])}
        frame = pd.DataFrame(
            {"criterion": self.criterion, "accepted": list(self.accepted), **columns},
            index=pd.RangeIndex(1, len(self) + 1, name="evaluation"),
        )
        return to_native(frame, self.library)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptInfo(Rendered):
    """The optimiser's record, with the parts of lme4's ``@optinfo``.

    Attributes
    ----------
    optimizer : str
    control : mapping
        The options given to the optimiser.
    theta : ndarray, shape (m,)
        Relative covariance parameters at the end, in lme4's order.
    par : ndarray
        All that was optimised: theta, and for a GLMM also the fixed effects.
    feval : int or None
        Evaluations of the criterion; None where the optimiser does not count them.
    conv_opt : int
        The optimiser's code; 0 means success.
    message : str or None
        The optimiser's message.
    checks : Lme4Checks or None
        None (R's NULL) where lme4 checked nothing; empty where the checks found nothing.
    gradient : ndarray, shape (len(par),), or None
    hessian : ndarray, shape (len(par), len(par)), or None
        At the end; None where they were not computed. Those of lme4 are finite differences, those
        of engine "numpy" are exact.
    warnings : tuple of str
        The list in lme4's slot, which is incomplete; the fit's `conditions` are complete.
    certificate : Certificate or None
        Of engine "numpy": what the derivatives prove about the end point.
    trace : Trace or None
        Of engine "numpy": every evaluation of the criterion.

    Examples
    --------
    >>> import pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy")
    >>> fit.optinfo.optimizer, fit.optinfo.conv_opt
    ('trust-region Newton', 0)
    """

    optimizer: str
    control: Mapping[str, Any]
    theta: NDArray[np.float64]
    par: NDArray[np.float64]
    feval: int | None
    conv_opt: int
    message: str | None
    checks: Lme4Checks | None
    gradient: NDArray[np.float64] | None
    hessian: NDArray[np.float64] | None
    warnings: tuple[str, ...]
    certificate: Certificate | None = None
    trace: Trace | None = None

    @property
    def messages(self) -> tuple[str, ...]:
        """The messages of the checks; empty also where nothing was checked."""
        if self.certificate is not None:
            return self.certificate.messages
        return self.checks.messages if self.checks else ()

    @property
    def codes(self) -> tuple[int, ...]:
        """The codes of lme4's checks; empty also where nothing was checked."""
        return self.checks.codes if self.checks else ()

    def describe(self) -> Document:
        """All parts by name, then the gradient and the Hessian where there are any."""
        facts = (
            ("optimizer", self.optimizer),
            ("control", ", ".join(map(_option, self.control.items())) or "none"),
            ("theta", ", ".join(format_numbers(self.theta, digits=7))),
            ("evaluations", "not counted" if self.feval is None else str(self.feval)),
            ("optimizer's code", f"{self.conv_opt}{' (OK)' if self.conv_opt == 0 else ''}"),
            ("optimizer's message", self.message or "none"),
            *self._checks(),
            ("warnings", "; ".join(self.warnings) or "none"),
        )
        blocks: list[Facts | Table] = [Facts(facts)]
        if self.gradient is not None and self.hessian is not None:
            size = len(self.gradient)
            columns = [format_numbers(self.gradient, digits=4)] + [
                format_numbers(self.hessian[:, j], digits=4) for j in range(size)
            ]
            blocks.append(
                Table(
                    columns=("gradient", *(f"Hessian {j + 1}" for j in range(size))),
                    rows=tuple(tuple(column[i] for column in columns) for i in range(size)),
                    row_names=tuple(f"par {i + 1}" for i in range(size)),
                )
            )
        return Document(title="Optimiser", blocks=tuple(blocks))

    def _checks(self) -> tuple[tuple[str, str], ...]:
        if self.certificate is not None:
            certificate = self.certificate
            return (
                ("certificate", "; ".join(self.messages) or "a minimum"),
                ("expected fall", f"{certificate.expected_fall:.1e}"),
                ("least curvature over greatest", f"{certificate.curvature:.1e}"),
            )
        none = "not made (NULL)" if self.checks is None else "made, no message"
        return (
            ("lme4's checks", "; ".join(self.messages) or none),
            ("lme4's codes", ", ".join(map(str, self.codes)) or "none"),
        )


def _option(item: tuple[str, Any]) -> str:
    name, value = item
    return f"{name} = {value:g}" if isinstance(value, float) else f"{name} = {value}"
