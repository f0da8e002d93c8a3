"""What is to be fitted: a formula, its data, and the settings that both engines understand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pylme.families.family import Family
from pylme.formula import Formula, FormulaTerms
from pylme.frame import Frame, NaAction
from pylme.model_matrix.coding import AskedCoding, Contrast

__all__ = ["Contrast", "ContrastsFor", "ModelSpec", "Start"]

#: Whether the codings asked for reach the fixed effects alone, as in lme4, or the random ones too.
ContrastsFor = Literal["fixed", "both"]
#: Starting values: theta alone, or a mapping with "theta" and "fixef".
Start = NDArray[np.float64] | Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model, checked and ready for an engine.

    Attributes
    ----------
    formula : Formula
        With every ``.`` replaced by the columns that it stands for.
    terms : FormulaTerms
        What the formula stands for, with ``||`` and ``/`` written out.
    frame : Frame
        The columns that the formula, the weights and the offset name; complete rows only.
    weights, offset : str or None
        Names of columns of `frame`.
    mustart, etastart : str or None
        Columns of `frame` from which a generalized model's iterations start: means of the response,
        and values of the linear predictor.
    contrasts : mapping
        Codings of factors by column.
    contrasts_for : {"fixed", "both"}
        Whether the codings reach the columns that vary by level too.
    start : ndarray or mapping, optional
    family : Family or None
        None for a linear mixed model.
    reml : bool
    na_action : {"omit", "fail"}
        What to do about rows for which a transformation gives no value.
    offset_named : bool
        Whether the offset is a column of the caller's data, and not an array beside it.
    """

    formula: Formula
    terms: FormulaTerms
    frame: Frame
    weights: str | None = None
    offset: str | None = None
    mustart: str | None = None
    etastart: str | None = None
    contrasts: Mapping[str, AskedCoding] = field(default_factory=dict)
    contrasts_for: ContrastsFor = "fixed"
    start: Start | None = None
    family: Family | None = None
    reml: bool = True
    na_action: NaAction = "omit"
    offset_named: bool = True
