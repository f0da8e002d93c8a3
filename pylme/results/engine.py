"""What an engine is, and the two that there are.

An engine is a module with the functions of `EngineModule`. It is imported when it is first used,
and neither knows the other: that they agree proves something. Whoever fits a model asks here, so
that no other module has to know which engine it deals with.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, cast

from pylme.model_matrix.spec import ModelSpec
from pylme.options import choice
from pylme.results.fitted_model import EngineName

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from pylme.errors import PylmeError
    from pylme.formula import Formula
    from pylme.results.fitted_model import FittedModel

__all__ = [
    "ENGINES",
    "Engine",
    "EngineEntry",
    "EngineName",
    "FitRequest",
    "FittingFunction",
    "choose",
]

#: What a caller may ask for.
Engine = Literal["lme4", "numpy"]
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
        Points of the quadrature; None where the function takes none.
    timeout : float or None
        Seconds that the engine may take.
    """

    spec: ModelSpec
    function: FittingFunction = "lmer"
    control: Any = None
    n_agq: int | None = None
    timeout: float | None = None


class EngineModule(Protocol):
    """The functions of an engine."""

    def unable(
        self, function: FittingFunction, *, control: object, formula: Formula | None
    ) -> PylmeError | None:
        """Why the engine cannot fit such a model; None where it can.

        Parameters
        ----------
        function : {"lmer", "glmer", "glmer.nb"}
        control : object or None
        formula : Formula or None
            None where it is not known yet.
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
    """An engine, known before it is imported.

    Attributes
    ----------
    name : {"lme4", "numpy"}
    module : str
        The path of its module.
    uses_r : bool
    in_batches : bool
        Whether it fits many responses of one design at once.
    """

    name: EngineName
    module: str
    uses_r: bool
    in_batches: bool

    @property
    def functions(self) -> EngineModule:
        """The engine itself, imported now if it was not."""
        return cast("EngineModule", import_module(self.module))


#: The engines, the preferred one first.
ENGINES: Final[dict[str, EngineEntry]] = {
    "lme4": EngineEntry(name="lme4", module="pylme.lme4.engine", uses_r=True, in_batches=False),
    "numpy": EngineEntry(
        name="numpy", module="pylme.reference.engine", uses_r=False, in_batches=True
    ),
}


def choose(
    engine: Engine,
    function: FittingFunction,
    *,
    control: object = None,
    formula: Formula | None = None,
) -> EngineName:
    """The engine for a model.

    Parameters
    ----------
    engine : {"lme4", "numpy"}
        As the caller gave it.
    function : {"lmer", "glmer", "glmer.nb"}
    control : LmerControl, GlmerControl or None
    formula : Formula, optional

    Raises
    ------
    OptionError
        If there is no such engine.
    NotAvailableError, OptionError
        If the engine cannot fit such a model, with the reason.
    """
    name: EngineName = choice("engine", engine, Engine)
    refusal = ENGINES[name].functions.unable(function, control=control, formula=formula)
    if refusal is not None:
        raise refusal
    return name
