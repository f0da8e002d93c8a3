"""The models that the tests, the benchmarks and the documents share.

Criteria and theta are lme4's, as published with the data sets or measured on lme4 1.1-31 elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LINEAR", "Linear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """A linear mixed model: the data set, the formula, the criteria, theta by ML and by REML.

    `large` says that lme4 takes many seconds for it.
    """

    data: str
    formula: str
    ml: float | None
    reml: float | None
    theta: tuple[float, ...] | None = None
    theta_reml: tuple[float, ...] | None = None
    large: bool = False

    def __str__(self) -> str:
        return f"{self.data}: {self.formula}"


LINEAR = (
    Linear(
        data="dyestuff",
        formula="Yield ~ 1 + (1 | Batch)",
        ml=327.327059881,
        reml=319.654276842,
        theta=(0.7525807,),
    ),
    Linear(
        data="dyestuff2",
        formula="Yield ~ 1 + (1 | Batch)",
        ml=162.873036654,
        reml=161.828277812,
        theta=(0.0,),
    ),
    Linear(
        data="penicillin",
        formula="diameter ~ 1 + (1 | plate) + (1 | sample)",
        ml=332.188348670,
        reml=330.860589000,
        theta=(1.53759, 3.21979),
    ),
    Linear(
        data="pastes",
        formula="strength ~ 1 + (1 | batch/cask)",
        ml=247.994465862,
        reml=246.990745853,
        theta=(3.52690, 1.32991),
    ),
    Linear(
        data="sleepstudy",
        formula="Reaction ~ Days + (Days | Subject)",
        ml=1751.939344464,
        reml=1743.628271960,
        theta=(0.9292297, 0.0181647, 0.2226460),
    ),
    Linear(
        data="sleepstudy",
        formula="Reaction ~ Days + (Days || Subject)",
        ml=1752.003255141,
        reml=1743.669293581,
        theta=(0.9458043, 0.2269274),
    ),
    Linear(
        data="hsb",
        formula="math ~ cses*sector + (cses | sch.id)",
        ml=None,
        reml=46638.6024167,
    ),
    # A second, false optimum lies at correlation 1, 0.175 above.
    Linear(
        data="hsb",
        formula="math ~ cses*sector + meanses*cses + (cses | sch.id)",
        ml=None,
        reml=46503.66287,
    ),
    Linear(
        data="insteval",
        formula="y ~ service + (1 | s) + (1 | d) + (1 | dept)",
        ml=237721.768774505,
        reml=237733.834127,
        theta_reml=(0.276496, 0.437364, 0.070604),
        large=True,
    ),
)
