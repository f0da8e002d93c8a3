"""Times as R counts them, and the names of their zones."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

__all__ = ["is_days", "seconds", "zone_name"]

_EPOCH = np.datetime64("1970-01-01", "D")


def is_days(values: NDArray[np.datetime64]) -> bool:
    """Whether the array counts days."""
    return np.datetime_data(values.dtype)[0] == "D"


def seconds(values: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Seconds since 1970-01-01 00:00."""
    unit, _ = np.datetime_data(values.dtype)
    since = values - _EPOCH.astype(f"M8[{unit}]")
    return np.asarray(since / np.timedelta64(1, "s"), dtype=np.float64)


@lru_cache(maxsize=64)
def zone_name(zone: dt.tzinfo | str | None) -> str | None:
    """The name of a time zone that R knows too, else "UTC": the points in time are the same."""
    if zone is None:
        return None
    name = str(zone)
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return "UTC"
    return name
