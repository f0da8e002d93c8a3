"""Python objects between two processes, over a socket; large arrays by shared memory.

Objects are pickled by protocol 5, which leaves the memory of arrays out of the pickle. A few arrays
follow it through the socket. Large ones are written into a file that has no name and no place on
the disk, whose descriptor is sent: the other process maps the same memory and copies nothing.
"""

from __future__ import annotations

import mmap
import os
import pickle
import select
import socket
import struct
import tempfile
import time
from typing import Any, Final

__all__ = ["Channel", "ClosedError"]

#: Bytes of arrays beyond which they do not go through the socket.
LARGE: Final = 2**18
_HEADER: Final = struct.Struct("<QIB")
_CHUNK: Final = 2**20


class ClosedError(Exception):
    """The other process has ended."""


class Channel:
    """One end of a socket.

    Parameters
    ----------
    end : socket.socket
        Of the family AF_UNIX.
    """

    def __init__(self, end: socket.socket) -> None:
        self._socket = end

    def send(self, value: Any) -> None:
        """Send an object.

        Raises
        ------
        ClosedError
            If the other process has ended.
        """
        buffers: list[pickle.PickleBuffer] = []
        body = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
        parts = [buffer.raw() for buffer in buffers]
        sizes = [part.nbytes for part in parts]
        shared = sum(sizes) > LARGE
        head = _HEADER.pack(len(body), len(parts), shared) + struct.pack(f"<{len(parts)}Q", *sizes)
        try:
            if shared:
                memory = _memory(parts)
                try:
                    socket.send_fds(self._socket, [head], [memory])
                finally:
                    os.close(memory)
                self._socket.sendall(body)
            else:
                self._socket.sendall(b"".join([head, body, *parts]))
        except OSError as error:
            raise ClosedError from error

    def receive(self, seconds: float | None = None) -> Any:
        """The next object.

        Parameters
        ----------
        seconds : float, optional
            How long to wait for it.

        Raises
        ------
        TimeoutError
            If nothing comes within that time.
        ClosedError
            If the other process has ended.
        """
        if not self.waits(seconds):
            raise TimeoutError
        try:
            head, descriptors, _, _ = socket.recv_fds(self._socket, _HEADER.size, 1)
            if not head:
                raise ClosedError
            length, count, shared = _HEADER.unpack(head + self._read(_HEADER.size - len(head)))
            sizes = struct.unpack(f"<{count}Q", self._read(8 * count))
            body = self._read(length)
            if not shared:
                return pickle.loads(body, buffers=[self._read(size) for size in sizes])  # noqa: S301
        except OSError as error:
            raise ClosedError from error
        (memory,) = descriptors
        try:
            whole = memoryview(mmap.mmap(memory, sum(sizes), access=mmap.ACCESS_COPY))
        finally:
            os.close(memory)
        starts = [sum(sizes[:i]) for i in range(count)]
        parts = [whole[start : start + size] for start, size in zip(starts, sizes, strict=True)]
        return pickle.loads(body, buffers=parts)  # noqa: S301  (from a process that we started)

    def waits(self, seconds: float | None = None) -> bool:
        """Whether an object, or the end of the other process, comes within so many seconds."""
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if end is None else max(0.0, end - time.monotonic())
            # In short waits, so that Ctrl-C is seen at once on every system.
            step = 1.0 if left is None else min(1.0, left)
            if select.select([self._socket], [], [], step)[0]:
                return True
            if left is not None and left <= step:
                return False

    def close(self) -> None:
        """Close this end."""
        self._socket.close()

    def _read(self, size: int) -> bytearray:
        made = bytearray(size)
        view, at = memoryview(made), 0
        while at < size:
            got = self._socket.recv_into(view[at : at + _CHUNK])
            if not got:
                raise ClosedError
            at += got
        return made


def _memory(parts: list[memoryview]) -> int:
    """The descriptor of memory that holds the parts one after the other."""
    if hasattr(os, "memfd_create"):
        made = os.memfd_create("pylme")
    else:
        with tempfile.TemporaryFile() as file:
            made = os.dup(file.fileno())
    size = sum(part.nbytes for part in parts)
    os.truncate(made, size)
    with mmap.mmap(made, size) as whole:
        at = 0
        for part in parts:
            whole[at : at + part.nbytes] = part
            at += part.nbytes
    return made
