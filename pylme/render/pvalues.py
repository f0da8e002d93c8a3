"""P-values as R's ``format.pval`` writes them."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

from pylme.render.numbers import format_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["format_pvalue"]


def format_pvalue(
    p: Iterable[float | None], digits: int = 5, eps: float = sys.float_info.epsilon
) -> list[str]:
    """Format p-values, those below `eps` as "< eps", as R's ``format.pval``.

    Parameters
    ----------
    p : iterable of float or None
        None and NaN are shown as "NA".
    digits : int
        Significant digits.
    eps : float
        What is smaller is not told apart from zero.

    Returns
    -------
    list of str
        Numbers shown in fixed notation have one width, those in scientific notation another.

    Examples
    --------
    >>> format_pvalue([0.05, 1e-20], digits=3)
    ['0.05', '<2e-16']
    """
    values = [None if x is None or math.isnan(x) else float(x) for x in p]
    shown = [x for x in values if x is not None and x >= eps]
    plain = [x for x in shown if _reads_well(x, digits)]
    texts = dict(zip(plain, format_numbers(plain, digits), strict=True))
    tiny = [x for x in shown if x not in texts]
    texts |= dict(zip(tiny, format_numbers(tiny, digits), strict=True))
    below = _below(eps, digits, max(map(len, texts.values()), default=None))
    return ["NA" if x is None else texts.get(x, below) for x in values]


def _reads_well(x: float, digits: int) -> bool:
    """Whether a p-value belongs to those that R formats together as plain decimals."""
    exponent = math.floor(math.log10(x)) if x > 0 else -50
    return exponent >= -3 or (exponent == -4 and digits > 1)


def _below(eps: float, digits: int, widest: int | None) -> str:
    """The text for what is below `eps`, made to fit beside numbers as wide as `widest`."""
    digits = max(1, digits - 2)
    if widest is not None and digits > 1 and digits + 6 > widest:
        digits = max(1, widest - 7)
    close = digits == 1 and (widest is None or widest <= 6)
    return f"<{'' if close else ' '}{format_numbers([eps], digits)[0]}"
