"""`pylme.design`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pylme.families.family import optional_family
from pylme.identifiability.identify import Design
from pylme.model_matrix.build import build
from pylme.model_matrix.requirements import require_fittable
from pylme.model_matrix.spec import ModelArguments, specified

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from pylme.frame import NaAction
    from pylme.model_matrix.spec import Contrast, ContrastsFor

__all__ = ["design"]


def design(
    formula: str,
    data: Any,
    *,
    weights: str | ArrayLike | None = None,
    offset: str | ArrayLike | None = None,
    subset: str | ArrayLike | None = None,
    contrasts: Mapping[str, Contrast] | None = None,
    contrasts_for: ContrastsFor = "fixed",
    na_action: NaAction = "omit",
    family: str | None = None,
    link: str | None = None,
) -> Design:
    """The matrices of a mixed model as lme4 makes them, made without R.

    Terms with more random effects than rows are built too, though `lmer` refuses to fit them.

    Parameters
    ----------
    formula : str
        In lme4's language, such as ``"math ~ ses*sector + (ses | sch.id)"``.
    data : DataFrame, Table or mapping of arrays
    weights, offset, subset, contrasts, contrasts_for, na_action
        As for `lmer`.
    family, link : str, optional
        For a generalized model, as for `glmer`; None for a linear one.

    Returns
    -------
    Design

    Raises
    ------
    FormulaError
        If the formula cannot be read or evaluated.
    DataError
        If no model can be fitted to the data.
    NotAvailableError
        If the formula calls a function that only R can evaluate.

    Warns
    -----
    RankDeficiencyWarning
        If columns of X are dropped.
    MissingRowsWarning
        If rows are left out.

    References
    ----------
    Bates, Mächler, Bolker & Walker (2015), Fitting linear mixed-effects models using lme4,
    Journal of Statistical Software 67(1), section 2, doi:10.18637/jss.v067.i01.

    Examples
    --------
    >>> import pylme
    >>> design = pylme.design(
    ...     "Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy")
    ... )
    >>> design.x_names, design.cnms, design.Zt.shape
    (('(Intercept)', 'Days'), (('Subject', ('(Intercept)', 'Days')),), (36, 180))
    """
    kind = optional_family(family, link)
    arguments = ModelArguments(
        weights=weights, offset=offset, subset=subset, contrasts=contrasts,
        contrasts_for=contrasts_for, na_action=na_action,
        family=kind, reml=kind is None,
    )  # fmt: skip
    spec = specified(formula, data, arguments)
    # A term with more effects than rows is what `identifiability` has to speak about.
    require_fittable(spec, more_effects_than_rows=True)
    return Design.of(build(spec))
