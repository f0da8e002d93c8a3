"""Fits of data on disk, against the same two passes written by hand for DuckDB.

The data are made on disk, and each side runs in a process of its own, which reports its time and
the peak of its resident memory. ``lazy.large`` writes 100 million rows, 2.7 GB.
"""

# ruff: noqa: S608  (the names in the SQL are those of this file)
from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .measure import Result
from .resident import peak_megabytes

if TYPE_CHECKING:
    from .benchmark import Benchmark, Options

__all__ = ["benchmarks"]

FORMULAS = {
    "large": "y ~ x1 + x2 + f + (x1 | g)",
    "crossed": "y ~ x1 + (x1 | g) + (1 | h)",
}
#: Rows at a time, and in a file.
CHUNK, FILE = 1_000_000, 10_000_000
#: The size of which a smoke test shows that it works.
MOST = 20_000_000
#: What is asked for: megabytes at the peak, and times the passes by hand.
MEGABYTES, TIMES = 1500, 2


def benchmarks() -> dict[str, Benchmark]:
    """One factor of 100,000 levels at three sizes, and two crossed ones."""
    rows = {"lazy.one_million": 1e6, "lazy.ten_million": 1e7, "lazy.large": 1e8}
    made: dict[str, Benchmark] = {
        name: partial(_measured, "large", int(n)) for name, n in rows.items()
    }
    made["lazy.crossed"] = partial(_measured, "crossed", MOST)
    return made


def _measured(kind: str, n: int, options: Options) -> list[Result]:
    if options.smoke:
        if n < MOST:
            return []
        n = 20_000
    with tempfile.TemporaryDirectory() as folder:
        _write(kind, n, Path(folder))
        sides = {side: _in_a_process(side, kind, folder) for side in ("fit", "by_hand")}
    seconds, peak = sides["fit"]
    by_hand, _ = sides["by_hand"]
    results = [
        Result(
            what=f"fit of {n:,} rows on disk, {FORMULAS[kind]}",
            value=seconds / by_hand,
            unit="times the passes by hand",
            limit=TIMES,
            detail=f"{seconds:.1f} CPU-s against {by_hand:.1f}, {n / seconds:,.0f} rows a second",
        )
    ]
    if kind == "large":
        results.append(
            Result(
                what=f"resident memory of a fit of {n:,} rows on disk",
                value=peak,
                unit="MB",
                limit=MEGABYTES,
                detail="at its peak, Python included",
            )
        )
    return results


def _write(kind: str, n: int, folder: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    groups, others = (100_000, 1) if kind == "large" else (10_000, 500)
    # With two effects, a level needs more than two rows.
    groups = min(groups, n // 10)
    rng = np.random.default_rng(0)
    effects, more = rng.normal(size=(groups, 2)) * [1.0, 0.5], 0.7 * rng.normal(size=others)
    writer = None
    for start in range(0, n, CHUNK):
        m, rng = min(CHUNK, n - start), np.random.default_rng(start + 1)
        g, h = (
            rng.integers(0, groups, m, dtype=np.int32),
            rng.integers(0, others, m, dtype=np.int16),
        )
        x1, x2, f = rng.normal(size=m) + 5, rng.normal(size=m), rng.integers(0, 3, m)
        y = 1 + 0.3 * x1 + effects[g, 0] + effects[g, 1] * x1 + rng.normal(size=m)
        columns = {"y": y, "x1": x1, "g": g}
        if kind == "large":
            columns |= {"x2": x2, "f": np.array(["a", "b", "c"])[f]}
            columns["y"] = y - 0.2 * x2 + 0.4 * (f == 1)
        else:
            columns |= {"h": h}
            columns["y"] = y + more[h]
        table = pa.table(columns)
        if start % FILE == 0:
            if writer is not None:
                writer.close()
            writer = pq.ParquetWriter(folder / f"{start // FILE:04d}.parquet", table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _in_a_process(side: str, kind: str, folder: str) -> tuple[float, float]:
    """CPU-seconds, and megabytes at the peak."""
    done = subprocess.run(
        [sys.executable, "-m", __name__, side, kind, folder],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    seconds, peak = json.loads(done.stdout.splitlines()[-1])
    return seconds, peak


def fit(kind: str, folder: str) -> None:
    """Our side."""
    import pylme

    pylme.lmer(FORMULAS[kind], folder, engine="numpy")


def by_hand(kind: str, folder: str) -> None:
    """The means, then the sums of the centred columns by group, in DuckDB's SQL."""
    import duckdb

    names = ("y", "x1", "x2") if kind == "large" else ("y", "x1")
    keys = "g" if kind == "large" else "g, h"
    used = [*names, *keys.split(", "), *(["f"] if kind == "large" else [])]
    source = f"read_parquet('{folder}/*.parquet') where " + " and ".join(
        f"{name} is not null" for name in used
    )
    asked = ", ".join(f"avg({name}), stddev_pop({name})" for name in names)
    row = duckdb.sql(f"select {asked} from {source}").fetchall()[0]
    centred = [
        f"({name} - {row[2 * at]}) / {row[2 * at + 1]} as {name}" for at, name in enumerate(names)
    ]
    columns = list(names)
    if kind == "large":
        centred += ["(f = 'b')::double as b", "(f = 'c')::double as c"]
        columns += ["b", "c"]
    products = [f"sum({one} * {other})" for at, one in enumerate(columns) for other in columns[at:]]
    sums = ", ".join(["sum(1.0)", *(f"sum({name})" for name in columns), *products])
    inner = f"(select {keys}, {', '.join(centred)} from {source})"
    duckdb.sql(f"select {keys}, {sums} from {inner} group by {keys}").to_arrow_table()


if __name__ == "__main__":
    began = time.process_time()
    {"fit": fit, "by_hand": by_hand}[sys.argv[1]](*sys.argv[2:])
    print(json.dumps([time.process_time() - began, peak_megabytes()]))
