"""Optima against lme4's, tight, and against glmmTMB's, one R process for all."""

from __future__ import annotations

import subprocess
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.versions import has
from tests.reference.generalized.models import data

pytestmark = pytest.mark.needs_r

FRAME = data()
#: What lme4's best leaves: it stops by rho, and its determinant is one iterate old, which without
#: the canonical link is more, in either direction.
ABOVE, NOT_CANONICAL, BELOW = 1e-6, 1e-5, 2e-5
#: glmmTMB's optimiser stops at a relative change of 1e-8 or so of the criterion.
OF_GLMMTMB = 2e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A model and who fits it."""

    by: str
    formula: str
    family: str
    link: str
    weights: str | None = None
    offset: str | None = None
    n_agq: int = 1

    @property
    def name(self):
        return f"{self.by}: {self.formula} {self.family} {self.link} {self.n_agq}"


COUNTS = "cbind(hits, misses)"
CASES = (
    Fitted(by="lme4", formula=f"{COUNTS} ~ x + (1 | g)", family="binomial", link="logit"),
    Fitted(by="lme4", formula=f"{COUNTS} ~ x + (x || g) + (1 | h)", family="binomial",
           link="logit"),
    Fitted(by="lme4", formula="share ~ x + (1 | g) + (1 | h)", family="binomial", link="logit",
           weights="size"),
    Fitted(by="lme4", formula="binary ~ x + (1 | g)", family="binomial", link="probit", offset="o"),
    Fitted(by="lme4", formula=f"{COUNTS} ~ x + (1 | g)", family="binomial", link="cloglog"),
    Fitted(by="lme4", formula="count ~ x + (1 | g)", family="poisson", link="log", weights="whole"),
    Fitted(by="lme4", formula="count ~ x + offset(o) + (1 | h / g)", family="poisson", link="log"),
    Fitted(by="lme4", formula="positive ~ x + (1 | g)", family="Gamma", link="log"),
    Fitted(by="lme4", formula="positive ~ x + (1 | g)", family="inverse.gaussian", link="log"),
    Fitted(by="lme4", formula=f"{COUNTS} ~ x + (1 | g)", family="binomial", link="logit", n_agq=9),
    Fitted(by="lme4", formula="binary ~ x + (1 | g)", family="binomial", link="logit", n_agq=25),
    Fitted(by="lme4", formula="count ~ x + (1 | g)", family="poisson", link="log", n_agq=9),
    Fitted(by="lme4", formula=f"{COUNTS} ~ x + (1 | g)", family="binomial", link="logit", n_agq=0),
    Fitted(by="glmmTMB", formula=f"{COUNTS} ~ x + (1 | g)", family="binomial", link="probit"),
    Fitted(by="glmmTMB", formula=f"{COUNTS} ~ x + (1 | g) + (1 | h)", family="binomial",
           link="cloglog"),
    Fitted(by="glmmTMB", formula="over ~ x + (1 | g)", family="nbinom2", link="log"),
    Fitted(by="glmmTMB", formula="positive ~ x + (1 | g)", family="Gamma", link="log"),
    Fitted(by="glmmTMB", formula="positive ~ x + (1 | g) + (1 | h)", family="Gamma", link="log"),
)  # fmt: skip


@pytest.fixture(scope="module")
def oracle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("oracle")
    FRAME.to_csv(folder / "data.csv", index=False, float_format="%.17g")
    columns = ("by", "formula", "family", "link", "weights", "offset", "n_agq")
    table = pd.DataFrame([{c: getattr(case, c) for c in columns} for case in CASES])
    table.to_csv(folder / "models.csv", index=False)
    script = f"{__file__.rpartition('/')[0]}/oracles.R"
    subprocess.run(
        ["Rscript", script, folder / "data.csv", folder / "models.csv", folder / "values"],
        check=True, capture_output=True,
    )  # fmt: skip
    lines = (folder / "values").read_text().splitlines()
    return {
        case: np.array(line.split(), dtype=float) for case, line in zip(CASES, lines, strict=True)
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_optimum(case, oracle):
    arguments = {"weights": case.weights, "offset": case.offset, "engine": "numpy"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pylme.errors.FitWarning)
        if case.family == "nbinom2":
            fit = pylme.glmer_nb(case.formula, FRAME, laplace="observed", **arguments)
        else:
            if case.by == "glmmTMB" and case.family == "Gamma":
                arguments["criterion"] = "likelihood"
            elif case.by == "glmmTMB":
                arguments["laplace"] = "observed"
            fit = pylme.glmer(
                case.formula, FRAME, family=case.family, link=case.link, n_agq=case.n_agq,
                **arguments,
            )  # fmt: skip
    found = oracle[case]
    assert np.isfinite(found).all(), "the other program has no fit"
    p = len(fit.fixef)
    if case.by == "lme4":
        above = ABOVE if case.link in ("logit", "log") else NOT_CANONICAL
        assert found[0] - BELOW < fit.criterion < found[0] + above
        errors = fit.coef_table["std_error"].to_numpy()
        if fit.is_singular() and has("sparse_derivatives"):
            # Newer versions take no derivatives of a singular fit, and these errors in their place.
            errors = np.sqrt(np.diag(fit.vcov_of("rx")))
        np.testing.assert_allclose(errors, found[1 + p :], rtol=5e-3)
    else:
        assert fit.criterion == pytest.approx(found[0], abs=OF_GLMMTMB)
        errors = fit.coef_table["std_error"].to_numpy()
    assert np.abs((fit.fixef.to_numpy() - found[1 : 1 + p]) / errors).max() < 5e-3
