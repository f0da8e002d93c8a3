"""The items of getME at lme4's theta, each against lme4's own."""

from __future__ import annotations

import numpy as np
import pytest

import pylme
from tests.reference.models import MODELS, at_theta, both, table
from tests.tolerances import TWO_WAYS

pytestmark = pytest.mark.needs_r

#: Depend on the order in which a factorization takes the random effects.
ORDERED = {"L", "RZX"}
#: Of lme4's other kinds of model, or functions.
OTHER = {"devfun", "glmer.nb.theta", "par"}


@pytest.fixture(scope="module", params=MODELS)
def pair(request):
    model = MODELS[request.param]
    _, theirs = both(request.param)
    return at_theta(model.formula, table(model.data), theirs.theta, **model.arguments), theirs


def same(ours, theirs):
    """Equal in type, shape, names and numbers."""
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        for name, value in theirs.items():
            same(ours[name], value)
    elif hasattr(theirs, "toarray"):
        assert type(ours) is type(theirs)
        same(ours.toarray(), theirs.toarray())
    elif isinstance(theirs, np.ndarray):
        assert ours.shape == theirs.shape
        size = np.abs(theirs[np.isfinite(theirs)]).max(initial=0.0)
        np.testing.assert_allclose(ours, theirs, rtol=TWO_WAYS, atol=TWO_WAYS * size)
    elif isinstance(theirs, float):
        assert ours == pytest.approx(theirs, rel=TWO_WAYS, abs=TWO_WAYS, nan_ok=True)
    elif hasattr(theirs, "categories"):
        assert ours.tolist() == theirs.tolist()
        assert ours.dtype == theirs.dtype
    else:
        assert ours == theirs


def test_every_item(pair):
    ours, theirs = pair
    from pylme.lme4.session import session

    for name in session().call("getme_names"):
        if name in ORDERED | OTHER:
            continue
        if name == "q_i":
            # lme4 multiplies numbers of columns by term with numbers of levels by factor.
            assert ours.getme(name).sum() == ours.getme("q")
            continue
        mine, reference = ours.getme(name), theirs.getme(name)
        if name == "devcomp" and not ours.getme("p"):
            # lme4's determinant of a matrix without columns is whatever lies in memory.
            mine["cmp"]["ldRX2"] = reference["cmp"]["ldRX2"] = 0.0
        same(mine, reference)


def test_the_factorization(pair):
    """Of Λ'Z'WZΛ + I, in whatever order; R_ZX with it."""
    ours, theirs = pair
    factor = ours.getme("L")
    roots = np.sqrt(ours.getme("weights"))
    A = ours.getme("Lambdat").toarray() @ ours.getme("Zt").toarray() * roots
    matrix = A @ A.T + np.eye(len(A))
    L, perm = factor["L"].toarray(), factor["perm"]
    assert not np.triu(L, 1).any()
    same(L @ L.T, matrix[np.ix_(perm, perm)])
    RZX, lme4s = ours.getme("RZX"), theirs.getme("RZX")
    assert RZX.shape == lme4s.shape
    same(RZX.T @ RZX, lme4s.T @ lme4s)
    X = roots[:, None] * ours.getme("X")
    same(L @ RZX, (A @ X)[perm])


def test_devfun(pair):
    ours, _ = pair
    devfun = ours.getme("devfun")
    assert devfun(ours.theta) == pytest.approx(ours.criterion, rel=1e-12)
    with pytest.raises(pylme.errors.OptionError, match="numbers"):
        devfun([1.0] * 40)


def test_an_unknown_item():
    ours, _ = both("one factor")
    with pytest.raises(pylme.errors.UnknownNameError, match="Lambdat"):
        ours.getme("Lamdat")
