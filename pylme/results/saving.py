"""JSON of this package, and fits in it: all their numbers, without R and without the data.

All JSON that pylme writes has the number of the schema and the version of pylme. The JSON of a fit
contains its records field by field, with the types that `Records` declares. Numbers keep all
digits; NaN and infinities are strings, because JSON has no numbers for them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from pylme._version import __version__
from pylme.arrays import read_only
from pylme.errors import NotAvailableError
from pylme.frame import Rows
from pylme.options import EngineName
from pylme.results.estimates import Estimates, ModelInfo
from pylme.results.fitted_model import Condition, ResidualType, fit_record
from pylme.results.optinfo import OptInfo, Trace
from pylme.results.ranef import RandomEffects
from pylme.results.varcorr import VarCorr, VarianceErrors

if TYPE_CHECKING:
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.results.fitted_model import FitRecord, FittedModel
    from pylme.results.linear_problem import LinearProblem

__all__ = ["SCHEMA", "SavedModel", "from_json", "json_text", "to_json", "with_schema"]

#: Of all JSON that this version writes. Version 0.1 of pylme wrote schema 1.
SCHEMA: Final = 2
_FIRST_FORMAT: Final = "pylme-fit/1"
_PREFIX: Final = "saved_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """All results of a fitted model that need no data, by the names of `FittedModel`."""

    engine: EngineName
    conditions: tuple[Condition, ...]
    rows: Rows
    info: ModelInfo
    estimates: Estimates
    vcov: NDArray[np.float64]
    varcorr: VarCorr
    variance_errors: VarianceErrors | None
    optinfo: OptInfo
    ranef: tuple[RandomEffects, ...]
    ranef_var: Mapping[str, NDArray[np.float64]]
    fitted: NDArray[np.float64] | None
    residuals: Mapping[str, NDArray[np.float64]]


def records_of(model: FittedModel) -> Records:
    """The records of a fitted model."""
    ranef = model.ranef()
    return Records(
        engine=model.engine,
        conditions=model.conditions,
        rows=model.rows,
        info=model.info(),
        estimates=model.estimates(),
        vcov=model.vcov(),
        varcorr=model.varcorr(),
        variance_errors=model.variance_errors(),
        optinfo=model.optinfo(),
        ranef=ranef,
        ranef_var={effects.group: model.ranef_var(effects.group) for effects in ranef},
        fitted=model.fitted() if model.has_rows else None,
        residuals={
            kind: model.residuals(kind) for kind in get_args(ResidualType) if model.has_rows
        },
    )


class SavedModel:
    """A fitted model without its engine: the records at the time of saving.

    Parameters
    ----------
    records : Records
    """

    #: The data are not saved.
    spec: Final = None

    def __init__(self, records: Records) -> None:
        self.records = records
        self.engine = records.engine
        self.conditions = records.conditions
        self.rows = records.rows

    @property
    def has_rows(self) -> bool:
        """Whether values for each row were saved."""
        return self.records.fitted is not None

    def announce(self) -> None:
        """Do nothing: the warnings were given when the model was fitted."""

    def leaves_little(self) -> bool:
        """False: a saved fit has no data to examine."""
        return False

    def with_conditions(self, more: tuple[Condition, ...]) -> SavedModel:
        """The same records with further conditions."""
        return SavedModel(replace(self.records, conditions=(*self.conditions, *more)))

    def record(self) -> FitRecord:
        """The numbers that a study keeps."""
        return fit_record(self)

    def info(self) -> ModelInfo:
        """The model and the data that were fitted."""
        return self.records.info

    def estimates(self) -> Estimates:
        """The numbers that define the fit."""
        return self.records.estimates

    def linear_problem(self) -> LinearProblem | None:
        """None: the matrices are not saved."""
        return None

    def generalized_problem(self) -> None:
        """None: the matrices are not saved."""

    def vcov(self) -> NDArray[np.float64]:
        """Covariance matrix of the fixed effects, shape (p, p)."""
        return self.records.vcov

    def varcorr(self) -> VarCorr:
        """Variances and correlations of the random effects."""
        return self.records.varcorr

    def variance_errors(self) -> VarianceErrors | None:
        """Standard errors of the variance components, where the engine computed them."""
        return self.records.variance_errors

    def optinfo(self) -> OptInfo:
        """The optimiser's record."""
        return self.records.optinfo

    def is_singular(self, tol: float) -> bool:
        """Whether a parameter with the lower bound 0 lies below `tol`: lme4's rule."""
        saved = self.records.estimates
        return bool(np.any(saved.theta[saved.lower == 0] < tol))

    def ranef(self) -> tuple[RandomEffects, ...]:
        """Conditional modes, a record for each grouping factor."""
        return self.records.ranef

    def ranef_var(self, group: str) -> NDArray[np.float64]:
        """Conditional variances of one grouping factor, shape (levels, k, k)."""
        return self.records.ranef_var[group]

    def fitted(self) -> NDArray[np.float64]:
        """Fitted values on the scale of the response, shape (nobs,)."""
        if self.records.fitted is None:
            raise _summed("Computing fitted values")
        return self.records.fitted

    def residuals(self, kind: ResidualType) -> NDArray[np.float64]:
        """Residuals of one kind, shape (nobs,)."""
        if kind not in self.records.residuals:
            raise _summed(f"Computing {kind} residuals")
        return self.records.residuals[kind]

    def getme(self, name: str) -> Any:
        """Not available: the model's matrices are not saved."""
        raise _not_saved(f"Reading {name!r}")

    @property
    def design(self) -> ModelMatrices:
        """Not available: the data are not saved."""
        raise _not_saved("Making the matrices of the model")

    def columns(self) -> Mapping[str, Any]:
        """Not available: the data are not saved."""
        raise _not_saved("Reading the model frame")

    def row_quantities(self) -> Mapping[str, NDArray[np.float64]]:
        """Not available: the data are not saved."""
        raise _not_saved("Augmenting the data")

    def refit_from(self, theta: NDArray[np.float64]) -> SavedModel:
        """Not available: neither the data nor the engine's model are saved."""
        raise _not_saved(f"Fitting again from theta = {theta.tolist()}")


def _summed(asked: str) -> NotAvailableError:
    return NotAvailableError(
        asked=asked,
        found="the fit that was saved had been made from sums, and held no rows",
        remedy="Fit the model to the rows in memory, and save that fit.",
    )


def _not_saved(asked: str) -> NotAvailableError:
    return NotAvailableError(
        asked=asked,
        found="this fit came from JSON, which carries neither the data nor the model's matrices",
        remedy="Fit the model again, or keep the fit by pickle, which carries all of it.",
    )


@lru_cache(maxsize=1)
def _converter() -> Any:
    """The rules for arrays, numbers and rows; dataclasses and mappings go field by field."""
    from cattrs import Converter
    from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

    converter = Converter(forbid_extra_keys=True)
    converter.register_unstructure_hook_func(_is_array, _plain_array)
    converter.register_structure_hook_func(_is_array, lambda value, _: _array(value))
    converter.register_unstructure_hook(float, _plain_number)
    converter.register_structure_hook(float, lambda value, _: float(value))
    for record in (VarCorr, Trace):
        # The rows have the library of the data; a fit passes it on.
        left = override(omit=True)
        converter.register_unstructure_hook(
            record, make_dict_unstructure_fn(record, converter, library=left)
        )
        converter.register_structure_hook(
            record, make_dict_structure_fn(record, converter, library=left)
        )
    converter.register_unstructure_hook(Rows, Rows.to_plain)
    converter.register_structure_hook(Rows, lambda value, _: Rows.from_plain(value))
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
    """For values whose type is `Any`, such as the optimiser's options."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def with_schema(content: Mapping[str, Any]) -> dict[str, Any]:
    """What is written as JSON, behind the number of its schema and the version of pylme."""
    return {"schema": SCHEMA, "pylme": __version__, **content}


def json_text(content: Mapping[str, Any], *, indent: int | None = None) -> str:
    """Anything that pylme says as JSON text, with the number of its schema.

    Parameters
    ----------
    content : mapping
        Values that JSON has, and arrays and numbers of NumPy; no NaN and no infinity.
    indent : int, optional
        Of a text for people, which then has all letters as they are.
    """
    return json.dumps(
        with_schema(content),
        default=_json_value,
        allow_nan=False,
        indent=indent,
        ensure_ascii=indent is None,
    )


def to_json(model: FittedModel) -> str:
    """The records of a model as JSON text."""
    return json_text({"fit": _converter().unstructure(records_of(model))})


def from_json(text: str) -> SavedModel:
    """The fit that `to_json` wrote, also that of version 0.1.

    Raises
    ------
    NotAvailableError
        If the text does not hold a fit.
    """
    try:
        content = json.loads(text)
    except (TypeError, ValueError) as error:
        raise _unreadable(f"the text is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise _unreadable("the text holds no JSON object")
    if content.get("format") == _FIRST_FORMAT:
        content = _upgraded(content)
    if (schema := content.get("schema")) != SCHEMA:
        raise _unreadable(f"its schema is {schema!r}, and this version reads 1 to {SCHEMA}")
    try:
        return SavedModel(_converter().structure(content["fit"], Records))
    except Exception as error:
        raise _unreadable(f"a part is missing or malformed ({error})") from error


def _upgraded(content: Mapping[str, Any]) -> dict[str, Any]:
    """A text of version 0.1 in the current schema: separate rows, and renamed parts."""
    model = content.get("model")
    parts = model if isinstance(model, dict) else {}
    fit = {name.removeprefix(_PREFIX): part for name, part in parts.items()}
    return {"schema": SCHEMA, "fit": {**fit, "rows": content.get("rows")}}


def _unreadable(found: str) -> NotAvailableError:
    return NotAvailableError(
        asked="Reading a fit from JSON",
        found=found,
        remedy="Pass the text that fit.to_json() gave. What a newer version of pylme wrote is read "
        "by that version.",
    )
