"""The models that a study fits to each replicate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pylme.errors import OptionError
from pylme.families import family
from pylme.lme4.control import GlmerControl, LmerControl
from pylme.model_matrix.spec import Contrast, ContrastsFor, ModelArguments, specified
from pylme.options import choice, mapping, optional_text, text, true_or_false, whole_number
from pylme.results.engine import FitRequest
from pylme.simulation.draw.specification import NEGATIVE_BINOMIAL

if TYPE_CHECKING:
    from pylme.families import Family
    from pylme.model_matrix.spec import ModelSpec
    from pylme.results.engine import FittingFunction

__all__ = ["StudyModel", "read_models"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StudyModel:
    """A model with the options of `lmer`, or of `glmer` and `glmer_nb`.

    Attributes
    ----------
    formula : str
    subset : str or array_like of bool, optional
        The rows to fit it to.
    reml : bool
        Of a linear model.
    family, link : str, optional
        Of a generalized model, as for `glmer`; ``"negative binomial"`` is the model of `glmer_nb`.
    n_agq : int
        Points of the quadrature of a generalized model.
    weights, offset : str or array_like, optional
    contrasts : mapping
    contrasts_for : {"fixed", "both"}
    control : LmerControl or GlmerControl, optional
        With engine "lme4".

    Raises
    ------
    OptionError
        If the formula is not text, or another option is not allowed. Options that depend on the
        data are checked when the model is fitted.

    Examples
    --------
    >>> import pylme
    >>> pylme.StudyModel(formula="y ~ x + (1 | g)", reml=False).reml
    False
    """

    formula: str
    subset: Any = None
    reml: bool = True
    family: str | None = None
    link: str | None = None
    n_agq: int = 1
    weights: Any = None
    offset: Any = None
    contrasts: Mapping[str, Contrast] = field(default_factory=dict)
    contrasts_for: ContrastsFor = "fixed"
    control: LmerControl | GlmerControl | None = None

    def __post_init__(self) -> None:
        text("formula", self.formula)
        true_or_false("reml", self.reml)
        mapping("contrasts", self.contrasts, allowed="a mapping from columns to codings")
        choice("contrasts_for", self.contrasts_for, ContrastsFor)
        optional_text("family", self.family)
        optional_text("link", self.link)
        whole_number("n_agq", self.n_agq, least=0)
        kind = LmerControl if self.family is None else GlmerControl
        if self.control is not None and not isinstance(self.control, kind):
            raise OptionError(
                option="control", value=self.control, allowed=f"a pylme.{kind.__name__}(...)"
            )
        if self.family is None or self.family == NEGATIVE_BINOMIAL:
            if self.link is not None:
                raise OptionError(
                    option="link", value=self.link,
                    allowed="None for a linear and for a negative binomial model",
                )  # fmt: skip
        else:
            family(self.family, self.link)

    @property
    def function(self) -> FittingFunction:
        """The function of lme4 that fits the model."""
        if self.family is None:
            return "lmer"
        return "glmer.nb" if self.family == NEGATIVE_BINOMIAL else "glmer"

    def specified(self, data: Any) -> ModelSpec:
        """The model on a table."""
        own: dict[str, Any] = {"reml": self.reml}
        if self.family is not None:
            counts = self.family == NEGATIVE_BINOMIAL
            own = {"reml": False, "family": family("poisson" if counts else self.family, self.link)}
        arguments = ModelArguments(
            weights=self.weights, offset=self.offset, subset=self.subset,
            contrasts=self.contrasts, contrasts_for=self.contrasts_for, **own,
        )  # fmt: skip
        return specified(self.formula, data, arguments)

    def request(self, spec: ModelSpec) -> FitRequest:
        """What is asked of an engine."""
        return FitRequest(
            spec=spec, function=self.function, control=self.control,
            n_agq=self.n_agq if self.function == "glmer" else None,
        )  # fmt: skip


def read_models(models: Any, drawn: Family | None) -> dict[str, StudyModel]:
    """The models by name.

    Parameters
    ----------
    models : mapping
        Names to formulas or `StudyModel`.
    drawn : Family or None
        The family that is drawn from, which is that of a formula without options.

    Raises
    ------
    OptionError
        If there are none, or one is neither.
    """
    if isinstance(models, str | StudyModel):
        models = {"model": models}
    if not isinstance(models, Mapping) or not models:
        raise OptionError(option="models", value=models, allowed="a mapping from names to formulas")
    read: dict[str, StudyModel] = {}
    for name, given in models.items():
        model = _of_family(given, drawn) if isinstance(given, str) else given
        if not isinstance(model, StudyModel):
            raise OptionError(
                option=f"models[{name!r}]", value=given, allowed="a formula or a pylme.StudyModel"
            )
        read[str(name)] = model
    return read


def _of_family(formula: str, drawn: Family | None) -> StudyModel:
    if drawn is None:
        return StudyModel(formula=formula)
    link = drawn.link if drawn.shape is None else None
    return StudyModel(formula=formula, family=drawn.name, link=link)
