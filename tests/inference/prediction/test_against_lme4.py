"""Standard errors of predictions against lme4 2's covariance matrix of all effects, b and beta.

With several grouping factors lme4 2.1 omits the permutation of its Cholesky factor there, and in
``predict(se.fit = TRUE)``; those models are compared with matrices of all rows in `test_predict`.
"""

from __future__ import annotations

import numpy as np
import pytest

import pylme
from pylme.versions import has
from tests.structures import repeated

pytestmark = [
    pytest.mark.needs_r,
    pytest.mark.skipif(not has("structures"), reason="lme4 has vcov(full = TRUE) since 2.0"),
]


@pytest.mark.parametrize("random", ["(1 + x | s)", "ar1(0 + t | s)", "diag(1 + x | s)"])
def test_standard_errors_of_conditional_means(random):
    from rpy2 import rinterface as ri

    from pylme.lme4.from_r import from_r

    fit = pylme.lmer(f"y ~ x + {random}", repeated(), engine="lme4")
    squares = ri.evalr(
        "function(fit) {"
        "  A <- cbind(as.matrix(lme4::getME(fit, 'Z')), lme4::getME(fit, 'X'));"
        "  rowSums((A %*% as.matrix(vcov(fit, full = TRUE))) * A)"
        "}"
    )(fit._model.handle.sexp)
    found = fit.predict(interval="confidence", ddf="satterthwaite")
    np.testing.assert_allclose(found["std_error"], np.sqrt(from_r(squares)), rtol=1e-6)
