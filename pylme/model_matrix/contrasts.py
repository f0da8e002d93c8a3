"""R's codings of factors, by the names that users know them under."""

from __future__ import annotations

from typing import Final

__all__ = ["CONTRASTS"]

#: Name → R's function.
CONTRASTS: Final[dict[str, str]] = {
    "treatment": "contr.treatment",
    "sum": "contr.sum",
    "helmert": "contr.helmert",
    "poly": "contr.poly",
    "SAS": "contr.SAS",
} | {
    name: name
    for name in ("contr.treatment", "contr.sum", "contr.helmert", "contr.poly", "contr.SAS")
}
