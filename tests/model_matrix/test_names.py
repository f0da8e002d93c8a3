"""The function `pylme.design` and the room of that name live together, in any order of imports."""

from __future__ import annotations

import subprocess
import sys
from itertools import permutations

import pytest

LINES = (
    "import pylme.model_matrix.spec",
    "from pylme import design as function; assert callable(function)",
    "from pylme.model_matrix.spec import ModelSpec",
    "import pylme; assert callable(pylme.design)",
)
FIT = (
    "import pylme; pylme.design('y ~ 1 + (1 | g)', {'y': [1., 2, 3, 5], 'g': list('aabb')}); "
    "from pylme.model_matrix import spec; assert spec.ModelSpec"
)


@pytest.mark.parametrize("first", [*LINES, FIT])
def test_any_import_may_come_first(first: str) -> None:
    others = [line for line in LINES if line != first]
    code = "\n".join([first, *(line for order in permutations(others) for line in order), FIT])
    subprocess.run([sys.executable, "-c", code], check=True)
