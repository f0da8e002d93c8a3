"""The schema of a store: a number in a file of its own, so that no version misreads another's.

Stores of pylme 0.1 have no such file. They are refused: their files do not say which study they
belong to in a way that this version could compare.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pylme._version import __version__
from pylme.errors import StoreError
from pylme.simulation.store.whole_files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FILE", "SCHEMA", "require_schema"]

#: Raised by one whenever a file of a store, or what identifies a study, changes its meaning.
SCHEMA: Final = 3
FILE: Final = "pylme-store.json"


def require_schema(folder: Path) -> None:
    """Raise where another schema is kept in the folder; in a new store, write down this one.

    Parameters
    ----------
    folder : Path
        Holds the folders of all studies.

    Raises
    ------
    StoreError
        If the store was made by pylme 0.1 or by a version with another schema.
    OSError
        If the folder cannot be read or written to.
    """
    path = folder / FILE
    if path.exists():
        found = _read(path)
        if found.get("schema") == SCHEMA:
            return
        made_by = f"pylme {found.get('pylme', 'of an unknown version')}"
    elif any(folder.glob("study-*/*.parquet")):
        made_by = "pylme 0.1"
    else:
        text = json.dumps({"schema": SCHEMA, "pylme": __version__})
        write_whole(path, f"{text}\n".encode())
        return
    raise StoreError(
        asked=f"Keeping the results of a study in {folder}",
        found=f"the studies in this folder were kept by {made_by}, in a format that pylme "
        f"{__version__} neither reads nor continues",
        remedy="Give another folder as `store`; the study is then fitted anew. The old results "
        "can still be read: by the version that kept them, or file by file with "
        'pandas.read_parquet, for instance pandas.read_parquet("FOLDER/study-…").',
    )


def _read(path: Path) -> dict[str, Any]:
    """The content of the file; empty where it is not a JSON object."""
    try:
        found = json.loads(path.read_bytes())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
