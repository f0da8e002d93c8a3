"""The protocol of an engine, and the registry of the two engines.

An engine is a module with the functions of `EngineModule`. It is imported on first use. Neither
engine imports the other, so that their agreement is evidence. All fits go through this module, so
that no other module needs to know which engine is used.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, cast

from pylme.errors import EngineWarning, NotAvailableError, OptionError, RUnavailableError, warn
from pylme.model_matrix.spec import ModelSpec
from pylme.options import Engine, EngineName, choice
from pylme.results.explanations import PROVED, STATUSES
from pylme.results.generalized_problem import CriterionKind, Laplace

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from pylme.errors import PylmeError
    from pylme.formula import Formula
    from pylme.results.fitted_model import FittedModel

__all__ = [
    "ENGINES",
    "EngineEntry",
    "FitRequest",
    "FittingFunction",
    "choose",
]

#: lme4's functions that fit a model.
FittingFunction = Literal["lmer", "glmer", "glmer.nb"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FitRequest:
    """A model to be fitted, and how.

    Attributes
    ----------
    spec : ModelSpec
    function : {"lmer", "glmer", "glmer.nb"}
        The kind of model, by lme4's function.
    control : LmerControl, GlmerControl or None
        None for the engine's own settings.
    n_agq : int or None
        Points of the quadrature; None for functions without quadrature.
    timeout : float or None
        The time limit of the engine, in seconds.
    laplace : {"expected", "observed"}
        The information in the determinant of a generalized model: lme4 has the expected one.
    criterion : {"lme4", "likelihood"}
        For a family with a dispersion, lme4's criterion or the likelihood proper.
    isolated : bool
        Whether R fits in a process of its own.
    """

    spec: ModelSpec
    function: FittingFunction = "lmer"
    control: Any = None
    n_agq: int | None = None
    timeout: float | None = None
    laplace: Laplace = "expected"
    criterion: CriterionKind = "lme4"
    isolated: bool = False


class EngineModule(Protocol):
    """The functions of an engine."""

    def unavailable(self) -> PylmeError | None:
        """Why the engine cannot start in this process; None where it can.

        It is called before each fit by `engine="auto"`, so it must be very fast.
        """
        ...

    def unable(
        self,
        function: FittingFunction,
        *,
        control: object,
        formula: Formula | None,
        beyond: str | None = None,
    ) -> PylmeError | None:
        """Why the engine cannot fit such a model; None where it can.

        Parameters
        ----------
        function : {"lmer", "glmer", "glmer.nb"}
        control : object or None
        formula : Formula or None
            None where it is not known yet.
        beyond : str or None
            An argument whose value asks for what lme4 does not have, as the caller wrote it.
        """
        ...

    def fit(self, request: FitRequest) -> FittedModel:
        """Fit the model. Its own conditions are not given as warnings yet."""
        ...

    def prepare(self, request: FitRequest) -> Callable[[NDArray[np.float64]], FittedModel]:
        """Prepare a model for many responses.

        The function returned fits the model to one response, which has one value for each row of
        the specification's frame.
        """
        ...

    def prepare_again(self, model: Any) -> Callable[[NDArray[np.float64]], FittedModel]:
        """Prepare the model of a fit by this engine for other responses, with its settings."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineEntry:
    """The description of an engine, available before it is imported.

    Attributes
    ----------
    name : {"lme4", "numpy"}
    title : str
        Its name in messages.
    module : str
        The path of its module.
    uses_r : bool
    in_batches : bool
        Whether it fits many responses of one design at once.
    in_summary : bool
        Whether a summary names it: the text is lme4's own, which does not.
    statuses : mapping
        Status of convergence → title and meaning, by the checks that the engine makes.
    subject, source : str
        Who fitted the model, at the beginning of a sentence and within one.
    other_search : str
        Which optimiser searches again in a cross-check, at the beginning of a sentence.
    examiner : str
        The path of the function that examines its fits in a cross-check.
    """

    name: EngineName
    title: str
    module: str
    uses_r: bool
    in_batches: bool
    in_summary: bool
    statuses: Mapping[str, tuple[str, str]]
    subject: str
    source: str
    other_search: str
    examiner: str

    @property
    def functions(self) -> EngineModule:
        """The engine's module, imported now if necessary."""
        return cast("EngineModule", import_module(self.module))

    @property
    def examine(self) -> Callable[[Any, int | None, int | None], Any]:
        """What examines a fit by the engine, from so many starts, and by so many points."""
        module, _, name = self.examiner.rpartition(".")
        return cast(
            "Callable[[Any, int | None, int | None], Any]", getattr(import_module(module), name)
        )


#: The engines, the preferred one first.
ENGINES: Final[dict[EngineName, EngineEntry]] = {
    entry.name: entry
    for entry in (
        EngineEntry(
            name="lme4",
            title="lme4",
            module="pylme.lme4.engine",
            uses_r=True,
            in_batches=False,
            in_summary=False,
            statuses=STATUSES,
            subject="lme4",
            source="lme4",
            other_search="An independent",
            examiner="pylme.crosscheck.examination.examine_lme4",
        ),
        EngineEntry(
            name="numpy",
            title="the NumPy engine",
            module="pylme.reference.engine",
            uses_r=False,
            in_batches=True,
            in_summary=True,
            statuses=PROVED,
            subject="The search",
            source="the search",
            other_search="The same",
            examiner="pylme.crosscheck.examination.examine_numpy",
        ),
    )
}
#: The environment variable that says what "auto" means.
VARIABLE: Final = "PYLME_ENGINE"

#: The reasons of which there has been a notice in this process.
_noticed: set[str] = set()


def choose(
    engine: Engine,
    function: FittingFunction,
    *,
    control: object = None,
    formula: Formula | None = None,
    beyond: str | None = None,
    isolated: bool = False,
) -> EngineName:
    """The engine for a model.

    "auto" is lme4 where it can start and can fit such a model, otherwise the NumPy engine where
    that can; the environment variable PYLME_ENGINE may name one engine instead.

    Parameters
    ----------
    engine : {"auto", "lme4", "numpy"}
        As the caller gave it.
    function : {"lmer", "glmer", "glmer.nb"}
    control : LmerControl, GlmerControl or None
    formula : Formula, optional
    beyond : str, optional
        An argument whose value asks for what lme4 does not have, as the caller wrote it.
    isolated : bool
        Whether R is to run in a process of its own, which asks for lme4.

    Raises
    ------
    OptionError
        If no such engine exists, or PYLME_ENGINE does not name an engine.
    NotAvailableError, OptionError
        If the engine cannot fit such a model, with the reason.
    RUnavailableError, NotAvailableError
        If "auto" finds no engine, with the reasons of both.

    Warns
    -----
    EngineWarning
        If "auto" is not the preferred engine, once for each reason in a process.
    """
    asked = choice("engine", engine, Engine)
    if isolated:
        if asked == "numpy":
            raise OptionError(
                option="isolated",
                value=True,
                allowed='False with engine="numpy", which runs no R that could crash',
            )
        asked = "lme4"
    if asked == "auto":
        named = choice(
            f"environment variable {VARIABLE}",
            cast("Engine", os.environ.get(VARIABLE) or "auto"),
            Engine,
        )
        if named != "auto":
            return _by_variable(named, function, control=control, formula=formula, beyond=beyond)
    if asked != "auto":
        if refusal := ENGINES[asked].functions.unable(
            function, control=control, formula=formula, beyond=beyond
        ):
            raise refusal
        return asked
    reasons: dict[EngineName, PylmeError] = {}
    for name, entry in ENGINES.items():
        able = entry.functions.unable(function, control=control, formula=formula, beyond=beyond)
        reason = able or entry.functions.unavailable()
        if reason is None:
            _notice(name, reasons)
            return name
        reasons[name] = reason
    raise _no_engine(
        reasons, _without_control(function, control=control, formula=formula, beyond=beyond)
    )


def _by_variable(
    name: EngineName,
    function: FittingFunction,
    *,
    control: object,
    formula: Formula | None,
    beyond: str | None,
) -> EngineName:
    """The engine that PYLME_ENGINE names; the error where it cannot fit names the variable."""
    functions = ENGINES[name].functions
    unable = functions.unable(function, control=control, formula=formula, beyond=beyond)
    if reason := unable or functions.unavailable():
        kind = RUnavailableError if isinstance(reason, RUnavailableError) else NotAvailableError
        repair = "" if unable else f"\n{reason.remedy}"
        raise kind(
            asked="Fitting the model",
            found=f"the environment variable {VARIABLE} asks for {ENGINES[name].title}: "
            f"{_reason(reason)}",
            remedy=f"Unset {VARIABLE}, or pass `engine`, which comes before it.{repair}",
        )
    return name


def _without_control(
    function: FittingFunction, *, control: object, formula: Formula | None, beyond: str | None
) -> str:
    """The remedy where an engine is refused for the control alone; else empty."""
    if control is None:
        return ""
    for entry in ENGINES.values():
        functions = entry.functions
        if (
            functions.unable(function, control=control, formula=formula, beyond=beyond)
            and not functions.unable(function, control=None, formula=formula, beyond=beyond)
            and not functions.unavailable()
        ):
            return f"\nWithout `control`, {entry.title} fits the model."
    return ""


def _notice(name: EngineName, reasons: Mapping[EngineName, PylmeError]) -> None:
    """Say why a preferred engine is not used, once for each reason."""
    for other, reason in reasons.items():
        if reason.found not in _noticed:
            _noticed.add(reason.found)
            title = ENGINES[other].title
            warn(EngineWarning(engine=name, reason=f"{title} is not used: {reason.found}"))


def _no_engine(reasons: Mapping[EngineName, PylmeError], more: str) -> PylmeError:
    """The error for a model that no engine can fit here; `more` joins its remedy."""
    first = next(iter(reasons.values()))
    kind = RUnavailableError if isinstance(first, RUnavailableError) else NotAvailableError
    return kind(
        asked="Fitting the model",
        found="; ".join(
            f"{ENGINES[name].title}: {_reason(each)}" for name, each in reasons.items()
        ),
        remedy=f"{first.remedy}{more}",
    )


def _reason(refusal: PylmeError) -> str:
    """Why an engine refuses a model; for an argument that it does not take, the remedy."""
    if isinstance(refusal, OptionError):
        return f"{refusal.found}. {refusal.remedy.rstrip('.')}"
    return refusal.found
