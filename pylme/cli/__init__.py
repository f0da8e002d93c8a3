"""The command `pylme`."""

from __future__ import annotations

import os
import sys

__all__ = ["main"]

#: What a shell reports for a program that Ctrl-C ended: 128 + SIGINT.
_INTERRUPTED = 130


def main() -> None:
    """Run the command line and end the process with its status."""
    sys.exit(_status(sys.argv[1:]))


def _status(arguments: list[str]) -> int:
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
