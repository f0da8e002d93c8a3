"""Messages about drawing data: covariances, seeds, and what a study keeps of them."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from errno import ENOSPC
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.simulation.bootstrap import acceleration
from pylme.simulation.store import directory

from .case import DATA, Case

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CASES"]

GRID = pylme.expand_grid(g=range(12), x=range(1, 6), f=["a", "b"])
MODEL = "y ~ x + (x | g)"
INTERCEPTS = "y ~ x + (1 | g)"
_GIVEN = {"beta": [1.0, 2.0], "sigma": 1.0, "covariances": {"g": {"sd": [1, 1], "corr": 0.1}}}


def _draw(formula: str = MODEL, data: pd.DataFrame = GRID, **changes: object) -> object:
    return pylme.simulate(formula, data, **{"seed": 1, **_GIVEN, **changes})


def _drawn(
    said: str, good: Callable[..., object] = _draw, parsed: str | None = None, **bad: object
) -> Case:
    return Case(
        trigger=lambda: _draw(**bad), kind="OptionError", said=said, remedy=good, parsed=parsed
    )


def _framed(*names: str) -> pd.DataFrame:
    return pd.DataFrame(np.eye(2), index=names, columns=names)


@cache
def _fit(formula: str) -> pylme.Fit:
    return pylme.lmer(formula, DATA, engine="numpy")


def _simulator(data: pd.DataFrame = GRID, **changes: object) -> object:
    return pylme.simulator(MODEL, data, **{**_GIVEN, **changes})


def _power(**changes: object) -> object:
    named = {"n": 2, "seed": 1, "test": "x", **changes}
    return pylme.power(named.pop("simulate", None) or _simulator(), INTERCEPTS, **named)


def _kept(work: Callable[[Path], object]) -> Callable[[], object]:
    """Work with a folder that is taken away afterwards."""

    def worked() -> object:
        with tempfile.TemporaryDirectory() as folder:
            return work(Path(folder))

    return worked


def _study(folder: Path | str | None = None, **changes: object) -> object:
    named = {"n": 2, "seed": 3, "models": {"m": INTERCEPTS}, **changes}
    return pylme.study(
        named.pop("simulate", None) or _simulator(), named.pop("models"), store=folder, **named
    )


def _damaged(folder: Path) -> object:
    _study(folder)
    for shard in folder.glob("study-*/*.parquet"):
        shard.write_bytes(b"no shard")
    return _study(folder)


def _full(folder: Path) -> object:
    def full(*_: object) -> None:
        raise OSError(ENOSPC, os.strerror(ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(directory, "write_whole", full)
        return _study(folder)


def _of_0_1(folder: Path) -> object:
    (folder / "study-0").mkdir()
    (folder / "study-0" / "00000000-00000002.parquet").write_bytes(b"of 0.1")
    return _study(folder)


def _without_pyarrow(folder: Path) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "pyarrow", None)
        return _study(folder)


def _of_open_file(folder: Path) -> object:
    with (folder / "notes").open("w") as notes:
        return _study(folder / "store", simulate=lambda seed: (notes, _table(seed))[1])


def _table(seed: object) -> pd.DataFrame:
    return DATA.assign(y=np.random.default_rng(seed).normal(size=80))


def _unsendable() -> Callable[[object], pd.DataFrame]:
    lock = threading.Lock()

    def drawn(seed: object) -> pd.DataFrame:
        with lock:
            return _table(seed)

    return drawn


def _of_counts(**changes: object) -> object:
    given = {"beta": [0.1, 0.1], "covariances": {"sd": 0.5}, "family": "poisson", "seed": 1}
    return pylme.simulate("k ~ x + (1 | g)", DATA, **{**given, **changes})


def _of_successes(formula: str) -> object:
    given = {"beta": [0.1, 0.1], "covariances": {"sd": 0.5}, "family": "binomial", "seed": 1}
    return pylme.simulate(formula, DATA.assign(m=9, s=1), **given)


def _boot_of_counts(kind: str) -> object:
    fit = pylme.glmer("count ~ x + (1 | g)", DATA, family="poisson", engine="numpy")
    return fit.bootstrap(2, seed=1).intervals(kind)


def _bca(kind: str = "bca") -> object:
    """Intervals where fewer effects than usual take too long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(acceleration, "MOST_EFFECTS", 10)
        return _fit("y ~ x + (1 | g) + (1 | h)").bootstrap(n=2, seed=1).intervals(kind)


def _seeds_of_r(said: str, bad: object, good: int = 1) -> Case:
    return Case(
        trigger=lambda: _draw(rng="R", seed=bad),
        kind="OptionError",
        said=said,
        remedy=lambda: _draw(rng="R", seed=good),
        needs_r=True,
    )


CASES = {
    "one covariance of two factors": _drawn(
        "a mapping with g, f",
        lambda *groups: _draw(
            "y ~ x + (1 | g) + (1 | f)", covariances={key: [[1.0]] for key in groups}
        ),
        r"a mapping with (\w), (\w)",
        formula="y ~ x + (1 | g) + (1 | f)",
        covariances=[[1.0]],
    ),
    "a covariance twice": _drawn(
        "once",
        lambda term: _draw(INTERCEPTS, covariances={term: [[1.0]]}),
        r"Pass \((.+)\) once",
        formula=INTERCEPTS,
        covariances={"g": [[1.0]], "1 | g": [[1.0]]},
    ),
    "a table of variances of another model": _drawn(
        "of a model with the terms",
        lambda: _draw(covariances=_fit(MODEL).varcorr),
        covariances=_fit(INTERCEPTS).varcorr,
    ),
    "a covariance of independent terms": _drawn(
        "zeros between effects",
        lambda: _draw("y ~ x + (x || g)", covariances=np.eye(2)),
        formula="y ~ x + (x || g)",
        covariances={"g": [[1.0, 0.5], [0.5, 1.0]]},
    ),
    "correlations alone": _drawn("sd", covariances={"g": {"corr": 0.5}}),
    "a table by other names": _drawn(
        "rows and columns named",
        lambda names: _draw(covariances={"g": _framed(*eval(names))}),  # noqa: S307
        r"named (\[.*\])",
        covariances={"g": _framed("a", "b")},
    ),
    "a covariance of text": _drawn("", covariances={"g": "large"}),
    "empirical with few levels": _drawn(
        "more levels of g",
        lambda value: (
            _draw(data=GRID[GRID["g"] < 2], empirical=value == "True"),
            _draw(empirical=True),
        ),
        r"Pass (\w+), or data with more levels",
        data=GRID[GRID["g"] < 2],
        empirical=True,
    ),
    "R's draws of a generalized model": Case(
        trigger=lambda: _of_counts(rng="R"),
        kind="OptionError",
        said="generalized",
        remedy=_of_counts,
    ),
    "no shape": Case(
        trigger=lambda: _of_counts(family="negative binomial"),
        kind="OptionError",
        said="shape",
        remedy=lambda: _of_counts(family="negative binomial", shape=2.0),
    ),
    "a shape of another family": Case(
        trigger=lambda: _of_counts(shape=2.0),
        kind="OptionError",
        said="negative binomial",
        remedy=lambda: _of_counts(family="negative binomial", shape=2.0),
    ),
    "a link without a family": Case(
        trigger=lambda: _of_counts(family=None, link="log", sigma=1.0),
        kind="OptionError",
        said="family",
        remedy=lambda: _of_counts(link="log"),
    ),
    "a sigma of counts": Case(
        trigger=lambda: _of_counts(sigma=2.0),
        kind="OptionError",
        said="poisson",
        remedy=_of_counts,
    ),
    "failures that do not follow": Case(
        trigger=lambda: _of_successes("cbind(s, two) ~ x + (1 | g)"),
        kind="ResponseError",
        said="cbind",
        remedy=lambda: _of_successes("cbind(s, m - s) ~ x + (1 | g)"),
    ),
    "bca of a generalized model": Case(
        trigger=lambda: _boot_of_counts("bca"),
        kind="NotAvailableError",
        said="acceleration",
        remedy=lambda: _boot_of_counts("percentile"),
    ),
    "the link of a study's model": Case(
        trigger=lambda: pylme.StudyModel(formula=MODEL, link="log"),
        kind="OptionError",
        said="link",
        remedy=lambda: pylme.StudyModel(formula=MODEL),
    ),
    "a seed of R's": _seeds_of_r("whole number", np.random.SeedSequence(1)),
    "a large seed of R's": _seeds_of_r("R's integers", 2**31),
    "a function of each fit": Case(
        trigger=lambda: _study(collect="sigma"),
        kind="OptionError",
        said="a function of a fit",
        remedy=lambda: _study(collect=lambda fit: {"s": fit.sigma}),
    ),
    "estimates of another name": Case(
        trigger=lambda: _study().estimates("xx"),
        kind="UnknownNameError",
        said="'xx'",
        remedy=lambda name: _study().estimates(name),
        parsed=r"(?:Did you mean|There are:) '(.+?)'",
    ),
    "a null that R's functions draw": Case(
        trigger=lambda: _power(simulate=_table, test=None, null="y ~ 1"),
        kind="OptionError",
        said="random-effects term",
        remedy=lambda: _power(simulate=_table, test=None, null="y ~ 1 + (1 | g)"),
    ),
    "a simulated reference of a function": Case(
        trigger=lambda: _power(
            simulate=_table, test=None, null="y ~ (1 | g)", reference="simulated"
        ),
        kind="OptionError",
        said="asymptotic",
        remedy=lambda reference: _power(
            simulate=_table, test=None, null="y ~ (1 | g)", reference=reference
        ),
        parsed=r'Pass "(\w+)"',
    ),
    "a null of other rows": Case(
        trigger=lambda: pylme.power(
            _simulator(GRID.assign(z=GRID["x"].where(GRID["x"] < 5))),
            "y ~ x + z + (1 | g)",
            n=2,
            seed=1,
            null=INTERCEPTS,
        ),
        kind="OptionError",
        said="leave out those with missing values",
        remedy=lambda: pylme.power(
            _simulator(GRID.assign(z=GRID["x"] ** 2)),
            "y ~ x + z + (1 | g)",
            n=2,
            seed=1,
            null=INTERCEPTS,
        ),
    ),
    "a null that is no part": Case(
        trigger=lambda: pylme.power(
            _simulator(), "y ~ x + f + (1 | g)", n=2, seed=1, null="y ~ I(x^2) + (1 | g)"
        ),
        kind="OptionError",
        said="the larger one contains",
        remedy=lambda: pylme.power(
            _simulator(), "y ~ x + f + (1 | g)", n=2, seed=1, null="y ~ f + (1 | g)"
        ),
    ),
    "intervals of many effects": Case(
        trigger=_bca,
        kind="NotAvailableError",
        said="BCa",
        remedy=lambda *kinds: [_bca(kind) for kind in kinds],
        parsed=r'by "(\w+)" or "(\w+)"',
    ),
    "a function that no process can be sent": Case(
        trigger=lambda: _study(simulate=_unsendable(), n_jobs=2),
        kind="OptionError",
        said="cannot be copied to another process",
        remedy=lambda jobs: _study(simulate=_unsendable(), n_jobs=int(jobs)),
        parsed=r"Pass (\d) here",
    ),
    "a store that is no folder": Case(
        trigger=lambda: _study(" "),
        kind="OptionError",
        said="the path of a folder",
        remedy=_kept(_study),
    ),
    "a damaged store": Case(
        trigger=_kept(_damaged), kind="DamagedStoreWarning", said="fitted again"
    ),
    "a full disk": Case(
        trigger=_kept(_full), kind="StoreError", said="Free some space", remedy=_kept(_study)
    ),
    "a store of version 0.1": Case(
        trigger=_kept(_of_0_1),
        kind="StoreError",
        said="kept by pylme 0.1",
        remedy=_kept(lambda folder: _study(folder / "another")),
    ),
    "a store without pyarrow": Case(
        trigger=_kept(_without_pyarrow),
        kind="MissingPackageError",
        said="pip install pyarrow",
        remedy=_kept(_study),
    ),
    "a function that cannot be told again": Case(
        trigger=_kept(_of_open_file),
        kind="OptionError",
        said="open files",
        remedy=_kept(lambda folder: _study(folder, simulate=_table)),
    ),
}
