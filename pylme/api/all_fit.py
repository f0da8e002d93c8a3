"""`pylme.all_fit`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from pylme.errors import (
    DataError,
    FitTimeoutError,
    NotAvailableError,
    OptionError,
    RError,
)
from pylme.fit import Fit
from pylme.frame import Library, to_native
from pylme.lme4.control import GlmerControl, LmerControl
from pylme.render import LEFT, Rendered, Table
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from pylme.errors import (
        PylmeError,
    )
    from pylme.options import EngineName

__all__ = ["AllFit", "all_fit"]

#: lme4's optimisers that need no other package: label → optimiser and its algorithm.
OPTIMISERS: Final[dict[str, tuple[str, str | None]]] = {
    "nloptwrap.BOBYQA": ("nloptwrap", "NLOPT_LN_BOBYQA"),
    "nloptwrap.NELDERMEAD": ("nloptwrap", "NLOPT_LN_NELDERMEAD"),
    "bobyqa": ("bobyqa", None),
    "Nelder_Mead": ("Nelder_Mead", None),
    "nlminbwrap": ("nlminbwrap", None),
}
#: Generalized models of which both engines minimise the same criterion.
COMPARABLE: Final = frozenset({"binomial", "poisson"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class AllFit(Rendered):
    """One model fitted by each of lme4's optimisers.

    Attributes
    ----------
    fits : mapping of str to Fit
        By optimiser, those that did not fail.
    errors : mapping of str to str
        Why the others failed.
    seconds : mapping of str to float
    optimum : float
        The criterion to which all are compared.
    optimum_of : str
        Whose it is: the NumPy engine's, with its certificate, or the lowest of those found.
    library : {"pandas", "polars", "pyarrow"}
    """

    fits: Mapping[str, Fit]
    errors: Mapping[str, str]
    seconds: Mapping[str, float]
    optimum: float
    optimum_of: str
    library: Library = "pandas"

    def to_frame(self) -> Any:
        """A row for each optimiser, the best first.

        Columns ``optimizer, criterion, above_optimum, status, evaluations, seconds``, the fixed
        effects and the elements of theta.
        """
        rows = []
        for name, fit in self.fits.items():
            row: dict[str, Any] = {
                "optimizer": name,
                "criterion": fit.criterion,
                "above_optimum": fit.criterion - self.optimum,
                "status": fit.convergence.status.value,
                "evaluations": fit.optinfo.feval,
                "seconds": self.seconds[name],
            }
            row |= {f"beta[{term}]": value for term, value in fit.fixef.items()}
            row |= {f"theta[{i + 1}]": value for i, value in enumerate(fit.theta.tolist())}
            rows.append(row)
        rows += [
            {"optimizer": name, "status": f"failed: {why}", "seconds": self.seconds[name]}
            for name, why in self.errors.items()
        ]
        table = pd.DataFrame(rows).sort_values("criterion", kind="stable", ignore_index=True)
        return to_native(table, self.library)

    def describe(self) -> Table:
        """How far each optimiser stopped above the optimum, the best first."""
        above = {name: fit.criterion - self.optimum for name, fit in self.fits.items()}
        rows = [
            (f"{above[name]:.3g}", self.fits[name].convergence.status.value)
            for name in sorted(above, key=lambda name: above[name])
        ]
        return Table(
            columns=("above the optimum", "status"),
            rows=(*rows, *(("", "failed") for _ in self.errors)),
            row_names=(*sorted(above, key=lambda name: above[name]), *self.errors),
            align=("right", LEFT),
            caption=f"Criterion above that of {self.optimum_of}, {self.optimum:.6f}",
        )

    def __repr__(self) -> str:
        return str(self)


def all_fit(fit: Fit) -> AllFit:
    """Fit the model of a fit by each of lme4's optimisers.

    Where they agree, a convergence warning is likely a false alarm; how far each stops above the
    optimum says more. For linear, binomial and Poisson models the optimum is the NumPy engine's,
    which is found by exact derivatives.

    Parameters
    ----------
    fit : Fit
        By either engine.

    Returns
    -------
    AllFit

    Raises
    ------
    OptionError
        If `fit` is no fit.
    RUnavailableError
        If R, rpy2 or lme4 is missing.
    NotAvailableError
        If the fit came from JSON, or was made from lazy data.

    Examples
    --------
    >>> import pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> bool(pylme.all_fit(fit).to_frame()["above_optimum"].max() < 1e-3)
    True
    """
    if not isinstance(fit, Fit):
        raise OptionError(option="fit", value=fit, allowed="a fitted model")
    fit._require_rows("Fitting by the optimisers of lme4")  # noqa: SLF001
    fits: dict[str, Fit] = {}
    errors: dict[str, str] = {}
    seconds: dict[str, float] = {}
    kind = LmerControl if fit.family.name == "gaussian" and fit.family.link == "identity" else None
    for name, (optimizer, algorithm) in OPTIMISERS.items():
        options = {} if algorithm is None else {"algorithm": algorithm}
        control = (kind or GlmerControl)(optimizer=optimizer, opt_ctrl=options)  # type: ignore[arg-type]
        begun = time.perf_counter()
        fitted = _refitted(fit, "lme4", control=control)
        seconds[name] = time.perf_counter() - begun
        if isinstance(fitted, Fit):
            fits[name] = fitted
        else:
            errors[name] = str(fitted).splitlines()[0]
    comparable = kind is not None or fit.family.name in COMPARABLE
    certified = _refitted(fit, "numpy", control=None) if comparable else None
    found = [own.criterion for own in fits.values()]
    if isinstance(certified, Fit):
        optimum, whose = certified.criterion, "the NumPy engine"
    else:
        optimum, whose = min(found, default=np.nan), "the best of them"
    return AllFit(
        fits=fits, errors=errors, seconds=seconds, optimum=optimum, optimum_of=whose,
        library=fit.library,
    )  # fmt: skip


def _refitted(fit: Fit, engine: EngineName, *, control: object) -> Fit | PylmeError:
    """The fit by another optimiser, or why there is none."""
    try:
        with silenced():
            return fit.update(engine=engine, control=control)
    except (RError, FitTimeoutError, DataError) as error:
        return error
    except NotAvailableError as error:
        if engine == "lme4":
            raise
        return error
