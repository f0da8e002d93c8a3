"""The process that holds R: it answers what an isolated session asks.

It is started as ``python -m pylme.lme4.isolation.worker DESCRIPTOR PARENT``, ends when its parent
does, and keeps R objects under numbers.
"""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING, Any

from pylme.lme4.isolation.channel import Channel, ClosedError
from pylme.lme4.isolation.messages import Held, Kept, Raised, Returned
from pylme.lme4.session import Handle, session
from pylme.parent_process import born_of
from pylme.warning_scopes import collected

if TYPE_CHECKING:
    from pylme.lme4.isolation.messages import Ask

__all__ = ["main"]


class _Objects:
    """The R objects that the parent holds, by their numbers."""

    def __init__(self) -> None:
        self.by_number: dict[int, Handle] = {}
        self.last = 0

    def keep(self, handle: Handle) -> Kept:
        """A number for an object."""
        self.last += 1
        self.by_number[self.last] = handle
        return Kept(number=self.last)

    def given(self, arguments: tuple[Any, ...]) -> list[Any]:
        """The arguments with the objects in place of their numbers."""
        return [self.by_number[a.number] if isinstance(a, Kept) else a for a in arguments]


def _answer(asked: Ask, objects: _Objects) -> Any:
    for number in asked.released:
        objects.by_number.pop(number, None)
    if asked.function is None:
        return Returned(value=session().versions, warnings=())
    arguments = objects.given(asked.arguments)
    if asked.held:
        handle, said = session().hold(asked.function, *arguments, timeout=asked.timeout)
        return Held(kept=objects.keep(handle), conditions=said)
    with collected() as given:
        value = session().call(asked.function, *arguments)
    if type(value).__module__.startswith("rpy2"):
        # A function of R stays where it is.
        value = objects.keep(Handle(value))
    return Returned(value=value, warnings=tuple(given))


def main(descriptor: int, parent: int) -> None:
    """Answer until the parent has ended."""
    born_of(parent)
    channel = Channel(socket.socket(fileno=descriptor))
    objects = _Objects()
    while True:
        try:
            asked = channel.receive()
            try:
                answer = _answer(asked, objects)
            except KeyboardInterrupt as error:
                answer = Raised(error=error)
            except Exception as error:  # noqa: BLE001  (raised in the parent)
                answer = Raised(error=error)
            channel.send(answer)
        except ClosedError:
            return
        except KeyboardInterrupt:
            # Ctrl-C came after the answer was made.
            continue


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
