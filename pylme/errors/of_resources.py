"""Errors of memory, time and processes that were not enough for a fit."""

from __future__ import annotations

from pylme.errors.message import PylmeError

__all__ = [
    "FitTimeoutError",
    "OutOfMemoryError",
    "RProcessError",
    "TooLargeError",
    "in_units",
]


class RProcessError(PylmeError, RuntimeError):
    """The process of its own in which R ran has ended.

    Attributes
    ----------
    ended : str
        How, such as "signal SIGSEGV".
    """

    def __init__(self, *, ended: str, before: bool) -> None:
        when = (
            "it has ended before, and the fits in it with it" if before else "it ended in this call"
        )
        super().__init__(
            asked="Calling R in a process of its own",
            found=f"{when} ({ended})",
            remedy="This session goes on, and the next isolated fit starts a new process: fit the "
            "model again. If that ends too, look at the memory that is available, or fit the model "
            'with engine="numpy"; report a crash of R with the output of pylme.show_versions().',
        )
        self.ended = ended


class FitTimeoutError(PylmeError, TimeoutError):
    """A fit that took longer than its `timeout`, in seconds; `engine` names the engine."""

    def __init__(self, *, timeout: float, engine: str) -> None:
        super().__init__(
            asked=f"Fitting the model with engine={engine!r}",
            found=f"it was not finished within timeout={timeout:g} seconds, and was stopped",
            remedy="Allow more time, or simplify the random part of the model.",
        )
        self.timeout = timeout
        self.engine = engine


class OutOfMemoryError(PylmeError, MemoryError):
    """The memory of the process was used up while a model was fitted."""

    def __init__(self, *, asked: str, needed: int | None = None) -> None:
        wanted = in_units(needed) if needed else "more"
        super().__init__(
            asked=asked,
            found=f"the memory of this process is used up: {wanted} could not be allocated",
            remedy="Release other data and fits, use fewer rows or columns, raise the limit that "
            "is set for this process, or use a machine with more memory.",
        )
        self.needed = needed


class TooLargeError(PylmeError, MemoryError):
    """A model that the memory cannot hold; `needed` and `available` are bytes."""

    def __init__(self, *, asked: str, needed: int, available: int) -> None:
        super().__init__(
            asked=asked,
            found=f"it needs at least {in_units(needed)} of memory, and "
            f"{in_units(available)} are available",
            remedy="Use a coarser grouping factor or fewer rows, leave out a term, or fit it on a "
            "machine with more memory.",
        )
        self.needed = needed
        self.available = available


def in_units(size: int) -> str:
    rounded = f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"
    return f"{size:,} bytes ({rounded})"
