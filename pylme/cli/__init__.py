"""The command `pylme`."""

from __future__ import annotations

import io
import os
import sys

__all__ = ["main"]

#: What a shell reports for a program that Ctrl-C ended: 128 + SIGINT.
_INTERRUPTED = 130


def main() -> None:
    """Run the command line and end the process with its status."""
    sys.exit(_status(sys.argv[1:]))


def _status(arguments: list[str]) -> int:
    _prepare_streams()
    try:
        from pylme.cli.app import run

        status = run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has gone; what is still buffered must not be tried at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(
            f"Writing the output: {error.strerror} ({error.filename or 'standard output'})",
            file=sys.stderr,
        )
        return 1
    return status


def _prepare_streams() -> None:
    """Let every text be written: where a stream is closed, and where its encoding is not UTF-8.

    Python has None for a stream that its caller closed. A character that an encoding lacks is
    written as an escape, as Python does on the error stream.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
