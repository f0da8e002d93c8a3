"""R itself, asked directly: the oracle that the bridge is compared with."""

from __future__ import annotations

from functools import cache
from typing import Any

__all__ = ["native", "native_print"]


@cache
def _scope() -> Any:
    """An R function that evaluates text where lme4 and its data sets are found."""
    from rpy2 import rinterface as ri

    from pylme.lme4.session import session

    session()
    return ri.evalr(
        """local({
          home <- new.env(parent = asNamespace("lme4"))
          known <- utils::data(package = "lme4")$results[, "Item"]
          utils::data(list = known[!grepl(" ", known)], package = "lme4", envir = home)
          function(text) suppressWarnings(suppressMessages(
            eval(parse(text = text), new.env(parent = home))
          ))
        })"""
    )


def native(code: str) -> Any:
    """The value of R code, as a Python value."""
    from rpy2 import rinterface as ri

    from pylme.lme4.from_r import from_r

    return from_r(_scope()(ri.StrSexpVector([code])))


def native_print(code: str) -> str:
    """What R prints for the value of R code."""
    lines = native(f"utils::capture.output(print({{ {code} }}))")
    return lines if isinstance(lines, str) else "\n".join(lines)
