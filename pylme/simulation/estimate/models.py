"""The models that a study fits to each replicate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pylme.errors import OptionError
from pylme.lme4.control import LmerControl
from pylme.model_matrix.spec import Contrast, ContrastsFor, ModelArguments, specified
from pylme.options import choice, mapping, text, true_or_false

if TYPE_CHECKING:
    from pylme.model_matrix.spec import ModelSpec

__all__ = ["StudyModel", "read_models"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StudyModel:
    """A model with the options of `lmer`.

    Attributes
    ----------
    formula : str
    subset : str or array_like of bool, optional
        The rows to fit it to.
    reml : bool
    weights, offset : str or array_like, optional
    contrasts : mapping
    contrasts_for : {"fixed", "both"}
    control : LmerControl, optional
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
    weights: Any = None
    offset: Any = None
    contrasts: Mapping[str, Contrast] = field(default_factory=dict)
    contrasts_for: ContrastsFor = "fixed"
    control: LmerControl | None = None

    def __post_init__(self) -> None:
        text("formula", self.formula)
        true_or_false("reml", self.reml)
        mapping("contrasts", self.contrasts, allowed="a mapping from columns to codings")
        choice("contrasts_for", self.contrasts_for, ContrastsFor)
        if self.control is not None and not isinstance(self.control, LmerControl):
            raise OptionError(
                option="control", value=self.control, allowed="a pylme.LmerControl(...)"
            )

    def specified(self, data: Any) -> ModelSpec:
        """The model on a table."""
        arguments = ModelArguments(
            weights=self.weights, offset=self.offset, subset=self.subset,
            contrasts=self.contrasts, contrasts_for=self.contrasts_for, reml=self.reml,
        )  # fmt: skip
        return specified(self.formula, data, arguments)


def read_models(models: Any) -> dict[str, StudyModel]:
    """The models by name.

    Parameters
    ----------
    models : mapping
        Names to formulas or `StudyModel`.

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
        model = StudyModel(formula=given) if isinstance(given, str) else given
        if not isinstance(model, StudyModel):
            raise OptionError(
                option=f"models[{name!r}]", value=given, allowed="a formula or a pylme.StudyModel"
            )
        read[str(name)] = model
    return read
