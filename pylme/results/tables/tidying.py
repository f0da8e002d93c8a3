"""Fits as tidy data frames, with the columns of R's broom.mixed.

Where broom's names have a dot, pylme's have an underscore: ``std_error`` for ``std.error``. With
``names="broom"`` the columns have broom's own names, for code that reads tables from both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np
import pandas as pd
from scipy.special import ndtri

from pylme.covariance.names import BROOM_RESIDUAL, parameter_name
from pylme.errors import OptionError
from pylme.options import choice, is_number
from pylme.results.varcorr import varcorr_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from pylme.options import EngineName
    from pylme.results.estimates import Estimates, ModelInfo
    from pylme.results.ranef import RandomEffects
    from pylme.results.varcorr import VarCorr

__all__ = ["Effects", "Names", "augmented", "exponentiated", "glance_row", "named", "tidy"]

Effects = Literal["fixed", "ran_pars", "ran_vals"]
Names = Literal["pylme", "broom"]

#: broom's order of columns.
_COLUMNS = (
    "effect", "group", "level", "term", "estimate", "std_error", "statistic", "df", "p_value",
    "conf_low", "conf_high",
)  # fmt: skip
#: Columns whose names in broom have a dot.
_DOTTED: Final = ("std_error", "p_value", "conf_low", "conf_high", "df_residual")


def tidy(
    effects: Effects | Sequence[Effects],
    *,
    table: pd.DataFrame,
    varcorr: VarCorr,
    modes: Callable[[], Iterable[tuple[RandomEffects, NDArray[np.float64]]]],
    conf_level: float | None,
    exponentiate: bool = False,
) -> pd.DataFrame:
    """The rows of the requested effects, in that order.

    Parameters
    ----------
    effects : {"fixed", "ran_pars", "ran_vals"} or several of them
    table : DataFrame
        The coefficient table, perhaps with degrees of freedom and intervals of its own.
    varcorr : VarCorr
    modes : callable
        Returns conditional modes and variances by factor; called for "ran_vals" only.
    conf_level : float or None
        None for no intervals.
    exponentiate : bool
        Whether fixed effects and their intervals are exponentiated.
    """
    parts: list[pd.DataFrame] = []
    for effect in require_effects(effects):
        if effect == "fixed":
            rows = fixed_rows(table, conf_level)
            parts.append(exponentiated(rows) if exponentiate else rows)
        elif effect == "ran_pars":
            parts.append(parameter_rows(varcorr))
        else:
            parts += [value_rows(*pair, conf_level) for pair in modes()]
    rows = pd.concat(parts, ignore_index=True)
    return rows[[name for name in _COLUMNS if name in rows]]


def require_effects(effects: Effects | Sequence[Effects]) -> tuple[Effects, ...]:
    """The requested effects, one or several.

    Raises
    ------
    OptionError
        If one of them is not "fixed", "ran_pars" or "ran_vals".
    """
    several = (effects,) if isinstance(effects, str) else effects
    if not isinstance(several, Sequence) or not several:
        raise OptionError(option="effects", value=effects, allowed=get_args(Effects))
    return tuple(choice("effects", effect, Effects) for effect in several)


def half_width(conf_level: float) -> float:
    """How many standard errors a two-sided normal interval extends to each side.

    Raises
    ------
    OptionError
        If the level is not between 0 and 1.
    """
    if not (is_number(conf_level) and 0 < conf_level < 1):
        raise OptionError(option="conf_level", value=conf_level, allowed="a number between 0 and 1")
    return float(ndtri(0.5 + conf_level / 2))


def fixed_rows(table: pd.DataFrame, conf_level: float | None) -> pd.DataFrame:
    """A row for each fixed effect, from the coefficient table; intervals on request.

    Wald's, where the table has none of its own.
    """
    rows = pd.DataFrame(
        {
            "effect": "fixed",
            "term": table.index.to_numpy(),
            "estimate": table["estimate"].to_numpy(),
            "std_error": table["std_error"].to_numpy(),
            "statistic": table["statistic"].to_numpy(),
        }
    )
    own = conf_level is not None and "conf_low" in table
    for column in ("df", "p_value", *(("conf_low", "conf_high") if own else ())):
        if column in table:
            rows[column] = table[column].to_numpy()
    return rows if own else _with_interval(rows, conf_level)


def exponentiated(rows: pd.DataFrame) -> pd.DataFrame:
    """The estimates and intervals of `fixed_rows` exponentiated.

    Standard errors are by the delta method. The statistic and the p-value remain those of the
    coefficient.
    """
    made = rows.copy()
    for column in ("estimate", "conf_low", "conf_high"):
        if column in rows:
            made[column] = np.exp(rows[column])
    made["std_error"] = rows["std_error"] * made["estimate"]
    return made


def parameter_rows(varcorr: VarCorr) -> pd.DataFrame:
    """A row for each standard deviation and correlation of the random effects."""
    frame = varcorr_rows(varcorr, "lower.tri")
    names = [
        BROOM_RESIDUAL if one is None else parameter_name(other or one, one, style="broom")
        for one, other in zip(frame["var1"], frame["var2"], strict=True)
    ]
    return pd.DataFrame(
        {"effect": "ran_pars", "group": frame["grp"], "term": names, "estimate": frame["sdcor"]}
    )


def value_rows(
    effects: RandomEffects, variances: NDArray[np.float64], conf_level: float | None
) -> pd.DataFrame:
    """A row for each level and effect: conditional mode and standard deviation."""
    levels, k = effects.modes.shape
    rows = pd.DataFrame(
        {
            "effect": "ran_vals",
            "group": effects.group,
            "level": np.tile(np.array(effects.levels, dtype=object), k),
            "term": np.repeat(np.array(effects.names, dtype=object), levels),
            "estimate": effects.modes.ravel(order="F"),
            "std_error": np.sqrt(np.diagonal(variances, axis1=1, axis2=2)).ravel(order="F"),
        }
    )
    return _with_interval(rows, conf_level)


def _with_interval(rows: pd.DataFrame, conf_level: float | None) -> pd.DataFrame:
    if conf_level is not None:
        reach = half_width(conf_level) * rows["std_error"]
        rows["conf_low"] = rows["estimate"] - reach
        rows["conf_high"] = rows["estimate"] + reach
    return rows


def glance_row(
    info: ModelInfo,
    estimates: Estimates,
    *,
    aic: float,
    aicc: float,
    bic: float,
    engine: EngineName,
) -> pd.DataFrame:
    """One row that summarises the fit."""
    return pd.DataFrame(
        {
            "nobs": [info.nobs],
            "sigma": [estimates.sigma],
            "logLik": [estimates.loglik],
            "AIC": [aic],
            "BIC": [bic],
            "REMLcrit" if info.reml else "deviance": [estimates.deviance],
            "df_residual": [info.nobs - estimates.df],
            "AICc": [aicc],
            "engine": [engine],
        }
    )


def augmented(
    columns: Mapping[str, Any],
    quantities: Mapping[str, NDArray[np.float64]],
    index: pd.Index,
    *,
    names: Names,
) -> pd.DataFrame:
    """The columns that the model used, and the quantities of each row.

    Parameters
    ----------
    columns : mapping
        The model frame.
    quantities : mapping of str to ndarray, shape (n,)
        By broom's names, which begin with a dot.
    index : Index
    names : {"pylme", "broom"}
    """
    if choice("names", names, Names) == "pylme":
        quantities = {name.replace(".", "_", 1): values for name, values in quantities.items()}
    return pd.DataFrame({**columns, **quantities}, index=index)


def named(frame: pd.DataFrame, names: Names) -> pd.DataFrame:
    """The frame of `tidy` or `glance_row` with pylme's or with broom's column names.

    Raises
    ------
    OptionError
        If `names` is neither "pylme" nor "broom".
    """
    if choice("names", names, Names) == "pylme":
        return frame
    return frame.rename(columns={name: name.replace("_", ".") for name in _DOTTED})
