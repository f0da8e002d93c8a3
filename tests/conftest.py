"""What the whole suite shares: tests that need R, and what becomes of them where there is none."""

from __future__ import annotations

import os
from functools import cache

import pytest
from hypothesis import settings

# No deadline: machines are shared, and the first example of a test starts R. The same examples at
# each run of CI.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", derandomize=True, deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")


#: What compares with R's own answers, file by file, where answers differ between versions of R and
#: lme4: printing, records, matrices, structures. Without what takes long or depends on a clock.
FACES_R = (
    "lme4/test_extraction.py",
    "lme4/test_structured.py",
    "render/test_abbreviate.py",
    "render/test_coefmat.py",
    "render/test_display.py",
    "render/test_fill.py",
    "render/test_pvalues.py",
    "render/test_rounding.py",
    "results/test_summary.py",
    "results/test_tidying.py",
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs_r: needs R with lme4, and rpy2")
    config.addinivalue_line("markers", "faces_r: run on the newest R by .ci/run; see FACES_R")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the files that face R."""
    for item in items:
        if item.path.as_posix().endswith(tuple(f"tests/{name}" for name in FACES_R)):
            item.add_marker("faces_r")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Without R a test that needs it is skipped, or fails where PYLME_REQUIRE_R says so."""
    if item.get_closest_marker("needs_r") is None or (problem := r_problem()) is None:
        return
    if os.environ.get("PYLME_REQUIRE_R") == "1":
        pytest.fail(f"PYLME_REQUIRE_R=1, but {problem}", pytrace=False)
    pytest.skip(problem)


@cache
def r_problem() -> str | None:
    """Why R cannot be used from here; None if it can. Starts R, as the test is about to do so."""
    from pylme.installed_r import find_r
    from pylme.lme4.installation.availability import why_unavailable

    if find_r() is None:
        return str(why_unavailable())
    try:
        from pylme.lme4.session import session

        session()
    except ImportError as error:
        return str(error)
    return None
