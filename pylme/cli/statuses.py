"""Exit statuses; 0 says that all is well."""

from typing import Final

__all__ = ["ERROR", "NOT_GOOD", "USAGE"]

#: An error: of the data, the model, the installation.
ERROR: Final = 1
#: The command line itself is wrong.
USAGE: Final = 2
#: A check was made, and its verdict is not a good one.
NOT_GOOD: Final = 3
