"""Fits as JSON: all numbers of a fit, readable without R and without the data.

The file holds the records as they are, field by field. Numbers keep every digit; NaN and infinities
stand as text, as JSON has no numbers for them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from pylme.arrays import read_only
from pylme.errors import NotAvailableError
from pylme.frame import Rows
from pylme.results.condition import Condition
from pylme.results.estimates import Estimates, ModelInfo
from pylme.results.optinfo import OptInfo
from pylme.results.protocol import ResidualType
from pylme.results.ranef import RandomEffects
from pylme.results.record import fit_record
from pylme.results.varcorr import VarCorr
from pylme.results.variance_errors import VarianceErrors

if TYPE_CHECKING:
    from pylme.results.linear_problem import LinearProblem
    from pylme.results.protocol import FittedModel
    from pylme.results.record import FitRecord

__all__ = ["SavedModel", "model_from_json", "model_to_json"]

FORMAT: Final = "pylme-fit/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedModel:
    """A fitted model without its engine: the records that it had when it was saved."""

    engine: str
    conditions: tuple[Condition, ...]
    saved_info: ModelInfo
    saved_estimates: Estimates
    saved_vcov: NDArray[np.float64]
    saved_varcorr: VarCorr
    saved_variance_errors: VarianceErrors | None
    saved_optinfo: OptInfo
    saved_ranef: tuple[RandomEffects, ...]
    saved_ranef_var: Mapping[str, NDArray[np.float64]]
    saved_fitted: NDArray[np.float64]
    saved_residuals: Mapping[str, NDArray[np.float64]]

    @classmethod
    def of(cls, model: FittedModel) -> SavedModel:
        """All records of a fitted model."""
        ranef = model.ranef()
        return cls(
            engine=model.engine,
            conditions=model.conditions,
            saved_info=model.info(),
            saved_estimates=model.estimates(),
            saved_vcov=model.vcov(),
            saved_varcorr=model.varcorr(),
            saved_variance_errors=model.variance_errors(),
            saved_optinfo=model.optinfo(),
            saved_ranef=ranef,
            saved_ranef_var={effects.group: model.ranef_var(effects.group) for effects in ranef},
            saved_fitted=model.fitted(),
            saved_residuals={kind: model.residuals(kind) for kind in get_args(ResidualType)},
        )

    @property
    def spec(self) -> None:
        """None: the data are not saved."""
        return None

    def record(self) -> FitRecord:
        """What a study keeps of a fit."""
        return fit_record(self)

    def info(self) -> ModelInfo:
        """What was fitted to what."""
        return self.saved_info

    def estimates(self) -> Estimates:
        """The numbers that define the fit."""
        return self.saved_estimates

    def vcov(self) -> NDArray[np.float64]:
        """Covariance matrix of the fixed effects, shape (p, p)."""
        return self.saved_vcov

    def varcorr(self) -> VarCorr:
        """Variances and correlations of the random effects."""
        return self.saved_varcorr

    def variance_errors(self) -> VarianceErrors | None:
        """Standard errors of the variance components, where the engine gave any."""
        return self.saved_variance_errors

    def optinfo(self) -> OptInfo:
        """The optimiser's record."""
        return self.saved_optinfo

    def is_singular(self, tol: float) -> bool:
        """Whether a parameter with the lower bound 0 lies below `tol`: lme4's rule."""
        saved = self.saved_estimates
        return bool(np.any(saved.theta[saved.lower == 0] < tol))

    def ranef(self) -> tuple[RandomEffects, ...]:
        """Conditional modes, a record for each grouping factor."""
        return self.saved_ranef

    def ranef_var(self, group: str) -> NDArray[np.float64]:
        """Conditional variances of one grouping factor, shape (levels, k, k)."""
        return self.saved_ranef_var[group]

    def fitted(self) -> NDArray[np.float64]:
        """Fitted values on the scale of the response, shape (nobs,)."""
        return self.saved_fitted

    def residuals(self, kind: ResidualType) -> NDArray[np.float64]:
        """Residuals of one kind, shape (nobs,)."""
        return self.saved_residuals[kind]

    def linear_problem(self) -> LinearProblem | None:
        """None: the matrices are not saved."""
        return None

    def getme(self, name: str) -> Any:
        """Not available: the model's matrices are not saved."""
        raise _not_saved(f"Reading {name!r}")

    def columns(self) -> Mapping[str, Any]:
        """Not available: the data are not saved."""
        raise _not_saved("Reading the model frame")

    def row_quantities(self) -> Mapping[str, NDArray[np.float64]]:
        """Not available: the data are not saved."""
        raise _not_saved("Augmenting the data")

    def refit_from(self, theta: NDArray[np.float64]) -> SavedModel:
        """Not available: neither the data nor the engine's model are saved."""
        raise _not_saved(f"Fitting again from theta = {theta.tolist()}")


def _not_saved(asked: str) -> NotAvailableError:
    return NotAvailableError(
        asked=asked,
        found="this fit came from JSON, which carries neither the data nor the model's matrices",
        remedy="Fit the model again, or keep the fit by pickle, which carries all of it.",
    )


@lru_cache(maxsize=1)
def _converter() -> Any:
    """The rules for arrays and numbers; dataclasses, tuples and mappings go field by field."""
    from cattrs import Converter

    converter = Converter(forbid_extra_keys=True)
    converter.register_unstructure_hook_func(_is_array, _plain_array)
    converter.register_structure_hook_func(_is_array, lambda value, _: _array(value))
    converter.register_unstructure_hook(float, _plain_number)
    converter.register_structure_hook(float, lambda value, _: float(value))
    return converter


def _is_array(kind: Any) -> bool:
    return kind is np.ndarray or getattr(kind, "__origin__", None) is np.ndarray


def _plain_number(value: float) -> float | str:
    return float(value) if np.isfinite(value) else repr(float(value))


def _plain_array(array: NDArray[np.float64]) -> dict[str, Any]:
    return {
        "shape": list(array.shape),
        "values": [_plain_number(v) for v in array.ravel().tolist()],
    }


def _array(value: Mapping[str, Any]) -> NDArray[np.float64]:
    return read_only(np.array([float(v) for v in value["values"]]).reshape(value["shape"]))


def _json_value(value: Any) -> Any:
    """For what stands under `Any`, as the optimiser's control does."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def model_to_json(model: FittedModel, rows: Rows) -> str:
    """The records of a model and the places of its rows, as JSON text."""
    saved = model if isinstance(model, SavedModel) else SavedModel.of(model)
    content = {
        "format": FORMAT,
        "rows": rows.to_plain(),
        "model": _converter().unstructure(saved),
    }
    return json.dumps(content, default=_json_value, allow_nan=False)


def model_from_json(text: str) -> tuple[SavedModel, Rows]:
    """The records that `model_to_json` wrote.

    Raises
    ------
    NotAvailableError
        If the text is not one of ours.
    """
    try:
        content = json.loads(text)
    except (TypeError, ValueError) as error:
        raise _unreadable(f"the text is not JSON ({error})") from error
    kind = content.get("format") if isinstance(content, dict) else None
    if kind != FORMAT:
        raise _unreadable(f"the format is {kind!r}, not {FORMAT!r}")
    try:
        model = _converter().structure(content["model"], SavedModel)
        return model, Rows.from_plain(content["rows"])
    except Exception as error:
        raise _unreadable(f"a part is missing or malformed ({error})") from error


def _unreadable(found: str) -> NotAvailableError:
    return NotAvailableError(
        asked="Reading a fit from JSON",
        found=found,
        remedy="Pass the text that fit.to_json() of this version of pylme gave.",
    )
