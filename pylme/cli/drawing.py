"""The model that data are drawn from, by the options of the commands that simulate."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import Group, Parameter

from pylme.cli.model import Model
from pylme.errors import OptionError
from pylme.options import Engine

if TYPE_CHECKING:
    import pandas as pd

    from pylme.fit import Fit
    from pylme.simulation.draw.simulator import Simulator
    from pylme.simulation.estimate.models import StudyModel

__all__ = [
    "AS_FITTED",
    "REPLICATES",
    "Parameters",
    "Replicates",
    "drawn_model",
    "engine_of_replicates",
]

_NEGATIVE_BINOMIAL: Final = "negative binomial"


@Parameter(name="*", group=Group("The parameters that are drawn from", sort_key=3))
@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The parameters of the model that data are drawn from: estimates, or the numbers given.

    Data without the response are those of a planned study: nothing is fitted, and all parameters
    have to be given.

    Attributes
    ----------
    beta
        A fixed effect, as Days=10. Repeat it for several; those that are not named are estimates.
    sigma
        The residual standard deviation.
    sd
        The standard deviations of random effects, as Subject=24,6 in the order of the formula. The
        name, of a grouping factor or a term, may be left out if there is one. Repeat it for
        several; they take the place of all estimates.
    corr
        The correlation of the random effects whose --sd are given, as Subject=0.3.
    shape
        The parameter of a negative binomial whose variance is mu + mu^2/shape.
    """

    beta: Annotated[tuple[str, ...], Parameter(allow_leading_hyphen=True)] = ()
    sigma: float | None = None
    sd: tuple[str, ...] = ()
    corr: Annotated[tuple[str, ...], Parameter(allow_leading_hyphen=True)] = ()
    shape: float | None = None

    def source(self, model: Model, formula: str, table: "pd.DataFrame") -> "Fit | Simulator":
        """What data are drawn from: a fit, or a simulator where parameters are given."""
        if self == AS_FITTED:
            return model.fit(formula, table)
        return self.simulator(model, formula, table)

    def simulator(self, model: Model, formula: str, table: "pd.DataFrame") -> "Simulator":
        """The model with the parameters given, the others estimated where there is a response.

        Raises
        ------
        OptionError
            If a parameter has no number.
        PylmeError
            If the model cannot be fitted, or has no such parameter.
        """
        import pylme
        from pylme.formula import parse_formula

        beta = dict(_numbered("--beta", text) for text in self.beta)
        given: dict[str, Any] = {"sigma": self.sigma, "shape": self.shape}
        if self.sd:
            given["covariances"] = _covariances(self.sd, self.corr)
        elif self.corr:
            raise OptionError(option="--corr", value=self.corr, allowed="it with --sd")
        response = parse_formula(formula).response_columns_in(table.columns)
        if all(name in table for name in response):
            fit = model.fit(formula, table)
            estimates = zip(map(str, fit.fixef.index), fit.fixef.tolist(), strict=True)
            beta = dict(estimates) | beta
            known = {name: value for name, value in given.items() if value is not None}
            given = {**_estimates(fit, model), **known}
        given.setdefault("covariances", {})
        return pylme.simulator(formula, table, beta=beta, **given, **_drawn(model))


#: The estimates of a fit alone.
AS_FITTED: Final = Parameters()


@Parameter(name="*", group=Group("The replicates", sort_key=1))
@dataclass(frozen=True, slots=True, kw_only=True)
class Replicates:
    """How many data sets are drawn, and how they are worked on.

    Attributes
    ----------
    n
        The number of replicates.
    seed
        Of the random numbers; the same seed gives the same result.
    n_jobs
        Worker processes; -1 is one for each processor.
    quiet
        Show no progress.
    """

    n: int = 1000
    seed: int | None = None
    n_jobs: Annotated[int, Parameter(name=["--n-jobs", "--jobs"])] = 1
    quiet: bool = False

    def arguments(self) -> dict[str, Any]:
        """The arguments of the library's functions."""
        from pylme.cli.console import progress_shown
        from pylme.options import whole_number

        if self.n_jobs != -1:
            whole_number("--n-jobs", self.n_jobs, least=1)
        return {
            "n": self.n, "seed": self.seed, "n_jobs": self.n_jobs,
            "progress": progress_shown(quiet=self.quiet),
        }  # fmt: skip


REPLICATES: Final = Replicates()


def drawn_model(model: Model, formula: str) -> "StudyModel":
    """The model that is fitted to each data set drawn.

    Raises
    ------
    OptionError
        If an option is given that fits of replicates do not have.
    """
    import pylme

    own = replace(model, engine="auto", allow_function=()).arguments(pylme.StudyModel)
    if model.family == "nb":
        own["family"] = _NEGATIVE_BINOMIAL
    return pylme.StudyModel(formula=formula, **own)


def engine_of_replicates(model: Model) -> Engine:
    """The NumPy engine, which fits all replicates at once, unless another one is asked for."""
    return "numpy" if model.engine == "auto" else model.engine


def _drawn(model: Model) -> dict[str, Any]:
    """The arguments of a simulator that say which model it is."""
    names = ("family", "link", "weights", "offset")
    found = {name: getattr(model, name) for name in names if getattr(model, name) is not None}
    if model.family == "nb":
        found["family"] = _NEGATIVE_BINOMIAL
    if model.contrasts:
        found["contrasts"] = model.codings()
    return found


def _estimates(fit: "Fit", model: Model) -> dict[str, Any]:
    """The estimates that a simulator takes beside the fixed effects."""
    from pylme.families.family import has_dispersion

    spread = model.family is None or (model.family != "nb" and has_dispersion(fit.family))
    return {
        "covariances": fit.varcorr,
        "sigma": fit.sigma if spread else None,
        "shape": fit.getme("glmer.nb.theta") if model.family == "nb" else None,
    }


def _covariances(sd: tuple[str, ...], corr: tuple[str, ...]) -> dict[str, Any]:
    """Standard deviations and correlations by grouping factor or term, or those of the only one."""
    found: dict[str, dict[str, Any]] = {}
    for text in sd:
        name, numbers = _named("--sd", text)
        found[name] = {"sd": numbers}
    for text in corr:
        name, numbers = _named("--corr", text)
        if name not in found:
            raise OptionError(
                option="--corr", value=text, allowed="a name that an --sd has too, as Subject=0.3"
            )
        if len(numbers) != 1:
            raise OptionError(
                option="--corr", value=text, allowed="one number for all pairs, as Subject=0.3"
            )
        found[name]["corr"] = numbers[0]
    return found[""] if found.keys() == {""} else found


def _named(option: str, text: str) -> tuple[str, list[float]]:
    name, _, numbers = text.rpartition("=")
    try:
        return name.strip(), [float(number) for number in numbers.split(",")]
    except ValueError:
        raise OptionError(option=option, value=text, allowed="numbers, as Subject=24,6") from None


def _numbered(option: str, text: str) -> tuple[str, float]:
    name, sign, number = text.rpartition("=")
    try:
        return name.strip(), float(number if sign else "no number")
    except ValueError:
        raise OptionError(
            option=option, value=text, allowed="the name of an effect and a number, as Days=10"
        ) from None
