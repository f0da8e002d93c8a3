"""The model that a command fits, by the options that commands have in common.

A field has the name of the library's argument that it becomes: messages of the library are
translated to the command line by these names, see `pylme.cli.messages`.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args

from cyclopts import Group, Parameter

from pylme.cli.search import control_of, start_of
from pylme.errors import OptionError
from pylme.options import Engine

if TYPE_CHECKING:
    import pandas as pd

    from pylme.fit import Fit

__all__ = ["LINEAR", "PLAIN", "Ddf", "Formula", "Model", "Specification"]

Formula = Annotated[
    str,
    Parameter(help='In lme4\'s language, in quotes: "math ~ ses*sector + (ses | sch.id)".'),
]
#: The families of `glmer`, and "nb" for the model of `glmer_nb`.
Family = Literal["binomial", "poisson", "Gamma", "inverse.gaussian", "gaussian", "nb"]
Ddf = Literal["kenward-roger", "satterthwaite", "normal"]
Coding = Literal["treatment", "sum", "helmert", "poly", "SAS"]
#: What --family stands for which function of the library.
_FUNCTIONS: Final = {
    "lmer": "it without --family",
    "glmer": "it with a --family other than nb",
    "glmer_nb": "it with --family nb",
}

_GROUP: Final = Group("The model", sort_key=3)


@Parameter(name="*", group=_GROUP)
@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """What a model is, before anything is fitted.

    Attributes
    ----------
    family
        Fit a generalized linear mixed model of this family. "nb" is the negative binomial, whose
        dispersion is estimated too.
    link
        The link of the family, if not its usual one: "probit", "cloglog", "log", ...
    weights
        The column of prior weights; for a binomial proportion of the numbers of trials.
    offset
        The column of a known part of the linear predictor.
    contrasts
        The coding of a factor, as recipe=sum: treatment, sum, helmert, poly or SAS. Repeat it for
        several factors.
    contrasts_for
        Whether the codings are those of the fixed effects only, or of the columns left of the bars
        too.
    """

    family: Family | None = None
    link: str | None = None
    weights: str | None = None
    offset: str | None = None
    contrasts: tuple[str, ...] = ()
    contrasts_for: Literal["fixed", "both"] = "fixed"

    def arguments(self, function: Callable[..., Any]) -> dict[str, Any]:
        """The arguments of a function of the library, the options that differ from their defaults.

        Raises
        ------
        OptionError
            If an option is given that the function does not have.
        """
        given = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != field.default
        }
        if self.contrasts:
            given["contrasts"] = self.codings()
        if self.family == "nb":
            del given["family"]
        taken = inspect.signature(function).parameters
        for name, value in given.items():
            if name not in taken:
                raise _elsewhere(name, value, function.__name__)
        return given

    def codings(self) -> dict[str, str]:
        """The codings by column.

        Raises
        ------
        OptionError
            If one is not written as COLUMN=CODING.
        """
        return dict(map(_coding, self.contrasts))


@Parameter(name="*", group=_GROUP)
@dataclass(frozen=True, slots=True, kw_only=True)
class Model(Specification):
    """A model and how it is fitted.

    Attributes
    ----------
    reml
        A linear model by REML, or with --ml by maximum likelihood.
    n_agq
        Points of the adaptive Gauss-Hermite quadrature of a generalized model: 1 is the Laplace
        approximation, 0 a faster and less accurate one.
    laplace
        The information in the Laplace approximation: as lme4 has it, or "observed" for the
        approximation proper, by the NumPy engine.
    criterion
        What is minimised for a family with a dispersion: lme4's criterion, or the likelihood, by
        the NumPy engine.
    engine
        What fits the model: "lme4" is R's, "numpy" is pylme's own and needs no R. "auto" is "lme4"
        where R is there, else "numpy".
    na_action
        Leave out rows with missing values, or end with an error.
    control
        A setting of lme4's search, as optimizer=bobyqa, or an option of its optimiser, as
        maxfun=100000. Repeat it for several.
    start
        Where the search starts: the elements of theta, as 1,0,0.5. For a generalized model also
        theta=1 and fixef=-1.5,0.2, in two of it.
    timeout
        The seconds after which a fit is stopped.
    isolated
        Fit by lme4 in a process of its own, so that a crash of R is an error of this command.
    allow_function
        A function of R that the formula may call, beside those that are allowed. Repeat it for
        several.
    """

    reml: Annotated[bool, Parameter(negative="--ml")] = True
    n_agq: int = 1
    laplace: Literal["expected", "observed"] = "expected"
    criterion: Literal["lme4", "likelihood"] = "lme4"
    engine: Engine = "auto"
    na_action: Literal["omit", "fail"] = "omit"
    control: tuple[str, ...] = ()
    start: Annotated[tuple[str, ...], Parameter(allow_leading_hyphen=True)] = ()
    timeout: float | None = None
    isolated: bool = False
    allow_function: tuple[str, ...] = ()

    def arguments(self, function: Callable[..., Any]) -> dict[str, Any]:
        """As for every specification; the settings of lme4's search as the library takes them."""
        given = Specification.arguments(self, function)
        if self.control:
            given["control"] = control_of(self.control, generalized=self.family is not None)
        if self.start:
            given["start"] = start_of(self.start)
        return given

    def require_consistency(self) -> None:
        """Refuse options that contradict each other, before any data are read.

        Raises
        ------
        OptionError
            Naming the option and where it has a meaning.
        """
        self._call()

    def fit(self, formula: str, table: "pd.DataFrame") -> "Fit":
        """The fit of a linear model, or of a generalized one where a family is given."""
        import pylme

        for name in self.allow_function:
            pylme.allow_function(name)
        function, arguments = self._call()
        fit: Fit = function(formula, table, **arguments)
        return fit

    def _call(self) -> tuple[Callable[..., Any], dict[str, Any]]:
        import pylme

        name = {None: "lmer", "nb": "glmer_nb"}.get(self.family, "glmer")
        function = getattr(pylme, name)
        # Which functions formulas may call is a setting of the process, no argument of a fit.
        return function, replace(self, allow_function=()).arguments(function)


#: The options of a command that names none.
PLAIN: Final = Specification()
LINEAR: Final = Model()


def _coding(text: str) -> tuple[str, str]:
    column, sign, coding = text.rpartition("=")
    if not sign or coding not in get_args(Coding):
        raise OptionError(
            option="--contrasts",
            value=text,
            allowed=f"COLUMN=CODING, where CODING is one of {', '.join(get_args(Coding))}",
        )
    return column, coding


def _elsewhere(name: str, value: object, function: str) -> OptionError:
    """The error for an option that the model of this family, or this command, does not have."""
    import pylme

    option = "--ml" if name == "reml" else f"--{name.replace('_', '-')}"
    if function not in _FUNCTIONS:
        return OptionError(
            option=option, value=value, allowed="it with commands that fit one model"
        )
    having = [
        words
        for each, words in _FUNCTIONS.items()
        if name in inspect.signature(getattr(pylme, each)).parameters
    ]
    allowed = ", or ".join([having[0], *(words.removeprefix("it ") for words in having[1:])])
    return OptionError(option=option, value=value, allowed=allowed)
