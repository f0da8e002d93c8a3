"""Fits of lme4 that pylme did not make: saved by R as a file, or held by rpy2.

The numbers of such a fit stay in R, as those of any fit by lme4.

An R object is code: a fit carries functions, such as those of its family, that later calls run, and
reading a file may run some. A file is read only if its author is trusted.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pylme.errors import DataTypeError, FormulaError, NotAvailableError, RError
from pylme.formula import parse_formula
from pylme.lme4.isolation.choice import session_of
from pylme.lme4.model import RModel
from pylme.lme4.records import texts
from pylme.lme4.saved_specification import specification
from pylme.lme4.session import Handle, session
from pylme.results.fitted_model import Condition
from pylme.text import quoted
from pylme.versions import has

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pylme.lme4.isolation.choice import AnyHandle

__all__ = ["model_in_file", "model_of_object", "write_model"]

#: The classes of lme4 and lmerTest that are read.
_CLASSES: Final = ("lmerMod", "glmerMod", "lmerModLmerTest")
#: R's message where a fit is singular; it is not a warning there.
_SINGULAR: Final = "boundary (singular) fit"


def model_in_file(path: object, data: Any) -> RModel:
    """The fit in a file that R's ``saveRDS`` has written.

    Parameters
    ----------
    path : str or path-like
    data : DataFrame, mapping or None
        The data of the fit, for the variables that the model frame lacks.

    Raises
    ------
    DataTypeError
        If the file does not hold a fit by lme4.
    NotAvailableError
        If the installed lme4 cannot read the fit.
    DataError
        If the data are not those of the fit.
    """
    file = _path(path)
    if not file.is_file():
        kind = "is a folder" if file.is_dir() else "does not exist"
        raise DataTypeError(
            found=f"the file {str(file)!r} {kind}",
            remedy="Pass the path of a file that R's saveRDS() has written.",
        )
    try:
        handle, _ = session().hold("read_object", str(file.resolve()))
    except RError as error:
        raise DataTypeError(
            found=f"R cannot read {str(file)!r}: {error.message}",
            remedy="The file must be complete, and written by saveRDS(fit, path) in R. A file that "
            "R's save() has written (.RData, .rda) is opened in R by load().",
        ) from error
    return _adopted(handle, data, where=str(file))


def model_of_object(value: Any, data: Any) -> RModel:
    """The fit that an object of rpy2 is.

    Raises
    ------
    DataTypeError
        If it is not an rpy2 object, or no fit by `lmer` or `glmer`.
    NotAvailableError, DataError
        As `model_in_file`.
    """
    here = session()
    from rpy2.rinterface import Sexp

    if not isinstance(value, Sexp):
        raise DataTypeError(
            found=f"{type(value).__name__} is not an R object",
            remedy="Pass an rpy2 object that holds a fit by lme4; of a pymer4 model, its attribute "
            "that holds the R model (`model_obj` or `r_model`).",
        )
    return _adopted(Handle(value), data, where="the R object", versions=here.versions)


def write_model(handle: AnyHandle, path: object) -> None:
    """Write the fit as a file that R's ``readRDS`` reads.

    Raises
    ------
    DataTypeError
        If the file cannot be written.
    """
    file = _path(path)
    if not file.parent.is_dir() or file.is_dir():
        raise DataTypeError(
            found=f"no file can be written at {str(file)!r}",
            remedy="Pass the path of a file in a folder that exists.",
        )
    session_of(handle).call("write_object", handle, str(file.resolve()))


def _path(path: object) -> Path:
    try:
        return Path(path).expanduser()  # type: ignore[arg-type]
    except TypeError:
        raise DataTypeError(
            found=f"{path!r} is not a path", remedy="Pass the path of a file as a string."
        ) from None


def _adopted(
    handle: Handle, data: Any, *, where: str, versions: Mapping[str, str] | None = None
) -> RModel:
    versions = session().versions if versions is None else versions
    classes = texts(session().call("object_class", handle))
    if not classes or classes[0] not in _CLASSES:
        raise DataTypeError(
            found=f"{where} holds an object of class {quoted(classes)}, and not a mixed model "
            "that pylme reads",
            remedy="Those are fits by lmer(), glmer() and glmer.nb() of lme4, and by lmer() of "
            f"lmerTest: objects of class {', '.join(_CLASSES)}.",
        )
    try:
        adopted, _ = session().hold("adopt_model", handle)
        source = session().call("model_source", adopted)
        if not has("structures") and _structured(source["formula"]):
            raise NotAvailableError(
                asked=f"Reading the fit in {where}",
                found=f"it has a covariance structure, {source['formula']}, and lme4 "
                f"{versions['lme4']} is installed, which has none",
                remedy='Install lme4 2.0 or newer, or fit the model again with engine="numpy".',
            )
        if session().call("is_autoscaled", adopted):
            raise NotAvailableError(
                asked=f"Reading the fit in {where}",
                found="it was made with autoscale = TRUE: its criterion, and some of its "
                "coefficients, belong to scaled columns",
                remedy="Fit the model again without autoscale; pylme's own searches scale columns.",
            )
        for part in ("model_numbers", "model_vcov", "model_system"):
            session().call(part, adopted)
    except (RError, TypeError) as error:
        said = error.message if isinstance(error, RError) else str(error)
        raise NotAvailableError(
            asked=f"Reading the fit in {where}",
            found=f"lme4 {versions['lme4']} on R {versions['R']} cannot read it: {said}",
            remedy="It was probably saved by another version of lme4. Read it with that version, "
            "or fit the model again with this one.",
        ) from error
    spec = specification(source, data)
    return RModel(adopted, _conditions(source["said"]), spec).examined()


def _structured(formula: str) -> bool:
    """Whether a term of a formula has a covariance structure."""
    try:
        return parse_formula(formula).structured
    except FormulaError:
        return False  # said in full where the formula is used


def _conditions(said: object) -> tuple[Condition, ...]:
    """The messages that lme4 keeps with a fit."""
    messages = dict.fromkeys(texts(said))  # type: ignore[arg-type]
    return tuple(
        Condition(kind="message" if message.startswith(_SINGULAR) else "warning", message=message)
        for message in messages
    )
