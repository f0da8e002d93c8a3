"""Formulas on the data that ship: for each kind of column and random term at least one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["CASES", "Case"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    data: str
    formula: str
    exact: bool = True
    arguments: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.data}: {self.formula}"


def exact(data: str, *formulas: str, **arguments: Any) -> list[Case]:
    return [Case(data=data, formula=text, arguments=arguments) for text in formulas]


def rounded(data: str, *formulas: str) -> list[Case]:
    return [Case(data=data, formula=text, exact=False) for text in formulas]


CASES = [
    *exact(
        "sleepstudy",
        "Reaction ~ Days + (Days | Subject)",
        "Reaction ~ Days + (Days || Subject)",
        "Reaction ~ 0 + Days + (0 + Days | Subject) + (1 | Subject)",
        "Reaction ~ 1 + (1 | Subject) + (0 + Days | Subject)",
        "Reaction ~ I(Days^2) + Days + (I(Days^2) + Days | Subject)",
        "Reaction ~ (Days > 4) * Days + (1 | Subject)",
        "Reaction ~ factor(Days) - 1 + (1 | Subject)",
        "Reaction ~ Days + offset(2 * Days) + (1 | Subject)",
        "Reaction ~ ifelse(Days > 4, Days, 0) + pmin(Days, 3) + (1 | Subject)",
        "Reaction ~ cbind(Days, Days^2, 1) - 1 + (1 | Subject)",
        "Reaction ~ cbind(Days, q = Days^2) + (cbind(Days, Days^2) | Subject)",
        "Reaction ~ Days + I(2 * Days) + (Days | Subject)",
        "Reaction ~ Days + (1 | Days) + (1 | Subject)",
        "Reaction ~ (Days >= 2 & Days != 5) + (Days == 3 | Subject)",
    ),
    *rounded(
        "sleepstudy",
        "Reaction ~ ordered(Days > 4, levels = c(FALSE, TRUE)) + (1 | Subject)",
        "log(Reaction) ~ log(Days + 1) + sqrt(Days) + (1 | Subject)",
        "Reaction ~ poly(Days, 3) + (poly(Days, 2) | Subject)",
        "Reaction ~ poly(Days, 1) + poly(Days, degree = 2, raw = TRUE) + (1 | Subject)",
        "scale(Reaction) ~ scale(Days) + (scale(Days, scale = FALSE) | Subject)",
        "Reaction ~ I((Days - mean(Days)) / sd(Days)) + (1 | Subject)",
        "Reaction ~ ns(Days, df = 3) + (ns(Days, 2) | Subject)",
        "Reaction ~ ns(Days, knots = c(2, 5), Boundary.knots = c(1, 8)) + (1 | Subject)",
        "Reaction ~ ns(Days, 1) + ns(Days, df = 4, intercept = TRUE) + (1 | Subject)",
        "Reaction ~ bs(Days) + (bs(Days, df = 4, degree = 2) | Subject)",
        "Reaction ~ bs(Days, knots = c(3, 6), intercept = TRUE) - 1 + (1 | Subject)",
    ),
    *rounded(
        "cake",
        "angle ~ recipe * temperature + (1 | recipe:replicate)",
        "angle ~ recipe:temperature + (1 | recipe) + (1 | replicate)",
        "angle ~ poly(temp, 2) * recipe + (recipe | replicate)",
        "angle ~ 0 + temperature + recipe + (0 + temperature | replicate)",
        "angle ~ temp + temp:recipe + (1 | replicate/recipe)",
        "angle ~ recipe %in% temperature + (1 | replicate)",
        "angle ~ (recipe + temperature + temp)^2 + (temp | replicate)",
        "angle ~ C(recipe, contr.sum) + (C(recipe, contr.helmert) | replicate)",
        "angle ~ relevel(recipe, ref = 'B') + as.numeric(temperature) + (recipe || replicate)",
    ),
    *exact(
        "cake",
        "angle ~ recipe + (0 + recipe | replicate)",
        "angle ~ dummy(recipe, 'A') + (0 + dummy(recipe, c('A', 'C')) | replicate)",
        "angle ~ recipe + (dummy(recipe) | replicate)",
        "angle ~ 0 + temp:recipe + (temp:recipe | replicate)",
        "angle ~ interaction(recipe, temp) + (1 | replicate)",
        "angle ~ (recipe == 'B') + (1 | replicate)",
    ),
    *exact("cake", "angle ~ recipe * temp + (recipe | replicate)", contrasts={"recipe": "sum"}),
    *exact("cake", "angle ~ recipe * temp + (1 | replicate)", contrasts={"recipe": "helmert"}),
    *exact("cake", "angle ~ recipe + (1 | replicate)", contrasts={"recipe": "SAS"}),
    *exact(
        "cake",
        "angle ~ recipe + (1 | replicate)",
        contrasts={"recipe": np.array([[1.0], [-1.0], [0.0]])},
    ),
    *exact("cake", "angle ~ temperature + (1 | replicate)", contrasts={"temperature": "treatment"}),
    *exact(
        "cake",
        "angle ~ recipe * temp + (recipe | replicate)",
        contrasts={
            "recipe": pd.DataFrame(
                {"AB": [0.0, -1.0, 1.0], "C": [-1.0, 0.5, 0.5]}, index=["C", "B", "A"]
            )
        },
    ),
    *exact(
        "penicillin",
        "diameter ~ 1 + (1 | plate) + (1 | sample)",
        "diameter ~ 1 + (1 | sample) + (1 | plate)",
        "diameter ~ sample + (1 | plate)",
    ),
    *exact(
        "pastes",
        "strength ~ 1 + (1 | batch/cask)",
        "strength ~ cask + (cask || batch)",
        "strength ~ 1 + (1 | batch) + (1 | cask) + (1 | batch:cask)",
    ),
    *exact(
        "cbpp",
        "incidence ~ period + size + (1 | herd)",
        "incidence / size ~ period + (0 + period | herd) + (1 | period:herd)",
        "incidence ~ period + (1 | herd) + (1 | period)",
    ),
    *exact("cbpp", "incidence ~ period + (1 | herd)", weights="size"),
    *exact("cbpp", "incidence ~ period + offset(size) + (1 | herd)", offset="size"),
    *exact(
        "verbagg",
        "Anger ~ Gender * btype * situ + (1 | id) + (mode | item)",
        "Anger ~ Gender:btype + (0 + btype:situ | id) + (1 | item)",
        "Anger ~ situ + (1 | item) + (1 | id) + (0 + btype | item)",
        "Anger ~ btype / situ + (btype + situ || id) + (1 | item)",
    ),
    *exact(
        "hsb",
        "math ~ ses * sector + (ses | sch.id)",
        "math ~ cses * sector + meanses * cses + (cses | sch.id)",
        "math ~ ses + meanses + cses + (ses:sector | sch.id)",
        "math ~ sector * female * ses + (0 + dummy(sector, 'Public'):ses | sch.id)",
        "math ~ sector + sector:meanses + minority + (1 | sch.id) + (1 | sector:female)",
    ),
    *rounded("verbagg", "Anger ~ r2 - 1 + resp + (1 | item) + (resp | id)"),
    *rounded(
        "grouseticks",
        "TICKS ~ YEAR * scale(HEIGHT) + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION)",
        "TICKS ~ YEAR + ns(HEIGHT, 3) + (1 | LOCATION/BROOD)",
    ),
]
