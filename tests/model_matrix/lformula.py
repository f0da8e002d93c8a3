"""lme4's own matrices for a formula and a data frame: what the design is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from pylme.model_matrix.coding import CONTRASTS
from pylme.model_matrix.spec import ModelArguments, specified
from pylme.versions import has

if TYPE_CHECKING:
    from pylme.model_matrix import matrices

__all__ = ["Native", "agree", "lformula"]

_CODE = """
function(text, data, contrasts, symbols) {
  home <- new.env(parent = asNamespace("lme4"))
  home$ns <- splines::ns
  home$bs <- splines::bs
  home$data <- data
  sparse <- function(m) list(i = m@i, p = m@p, x = m@x, dim = m@Dim)
  formula <- as.formula(text, env = home)
  call <- as.call(c(list(lme4::lFormula, formula, quote(data)), lapply(symbols, as.name),
    list(control = lme4::lmerControl(
    check.nobs.vs.nlev = "ignore", check.nobs.vs.nRE = "ignore", check.nobs.vs.rankZ = "ignore",
    check.scaleX = "ignore", check.rankX = "silent.drop.cols"))))
  if (length(contrasts)) call$contrasts <- contrasts
  made <- eval(call, home)
  re <- made$reTrms
  list(
    y = unname(as.numeric(stats::model.response(made$fr))),
    X = unname(matrix(as.numeric(made$X), nrow(made$X))), names = colnames(made$X),
    assign = attr(made$X, "assign"),
    dropped = names(attr(made$X, "col.dropped")),
    Zt = sparse(re$Zt), Lambdat = sparse(re$Lambdat), Lind = re$Lind,
    theta = re$theta, lower = re$lower, Gp = re$Gp,
    groups = names(re$cnms), cnms = unname(re$cnms),
    factors = names(re$flist), levels = unname(lapply(re$flist, levels)),
    codes = unname(lapply(re$flist, function(f) as.integer(f) - 1L)),
    offset = stats::model.offset(made$fr), weights = stats::model.weights(made$fr)
  )
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """The parts of R's ``lFormula()``, by the names of its list."""

    parts: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.parts[name]

    def texts(self, name: str) -> tuple[str, ...]:
        """A character vector, which arrives as a string if it has one element."""
        return as_texts(self.parts[name])


def as_texts(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


@cache
def _function() -> Any:
    from rpy2 import rinterface as ri

    from pylme.lme4.session import session

    session()
    return ri.evalr(f"suppressWarnings({_CODE})")


def lformula(formula: str, data: Any, **arguments: Any) -> Native:
    """What lme4 makes of the same formula and the same columns."""
    from rpy2 import rinterface as ri

    from pylme.lme4.from_r import from_r
    from pylme.lme4.to_r import to_r

    spec = specified(formula, data, ModelArguments(**arguments))
    contrasts = {
        name: CONTRASTS[value] if isinstance(value, str) else value
        for name, value in spec.contrasts.items()
    }
    symbols = {"weights": spec.weights, "offset": spec.offset}
    made = _function()(
        ri.StrSexpVector([str(spec.formula)]),
        to_r(spec.frame),
        to_r(contrasts),
        to_r({role: name for role, name in symbols.items() if name is not None}),
    )
    return Native(parts=from_r(made))


def agree(design: matrices.Design, native: Native, *, exact: bool = True) -> None:
    """Every element of every matrix, and every name; rounding alone where a basis is computed."""
    close = np.testing.assert_array_equal if exact else _close
    close(design.y, np.atleast_1d(native["y"]))
    assert design.x_names == native.texts("names")
    assert design.dropped == native.texts("dropped")
    close(design.X, np.asarray(native["X"]).reshape(design.X.shape))
    assert list(design.assign) == np.atleast_1d(native["assign"]).tolist()
    _same_sparse(design.Zt, native["Zt"], close)
    _same_sparse(_template(design), native["Lambdat"], np.testing.assert_array_equal)
    for name in ("Lind", "theta", "lower", "Gp"):
        np.testing.assert_array_equal(getattr(design, name), np.atleast_1d(native[name]))
    assert design.cnms == tuple(
        zip(native.texts("groups"), map(as_texts, native["cnms"]), strict=True)
    )
    assert tuple(design.flist) == native.texts("factors")
    for factor, levels, codes in zip(
        design.flist.values(), native["levels"], native["codes"], strict=True
    ):
        assert factor.levels == as_texts(levels)
        np.testing.assert_array_equal(factor.codes, codes)
    for name, neutral in (("offset", 0.0), ("weights", 1.0)):
        expected = native[name]
        close(getattr(design, name), np.full(design.n, neutral) if expected is None else expected)


def _template(design: matrices.Design) -> Any:
    """Lambdat as lFormula() gives it: lme4 2 has the numbers of theta there before a fit."""
    made = design.Lambdat.copy()
    if has("template"):
        made.data = design.Lind.astype(np.float64)
    return made


def _same_sparse(ours: Any, native: Any, close: Any) -> None:
    assert ours.shape == tuple(native["dim"])
    theirs = sparse.csc_matrix(
        (np.atleast_1d(native["x"]), native["i"], native["p"]), shape=ours.shape
    )
    if close is _close:
        # What rounds to zero on one side may be stored on the other.
        assert abs(ours - theirs).max() <= 1e-12
        return
    np.testing.assert_array_equal(ours.indptr, theirs.indptr)
    np.testing.assert_array_equal(ours.indices, theirs.indices)
    np.testing.assert_array_equal(ours.data, theirs.data)


def _close(ours: Any, native: Any) -> None:
    np.testing.assert_allclose(ours, native, rtol=1e-12, atol=1e-12)
