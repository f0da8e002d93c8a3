"""Lazy frames, datasets and paths to Parquet files are opened without reading their rows."""

from __future__ import annotations

import duckdb
import narwhals.stable.v2 as nw
import polars as pl
import pyarrow.dataset
import pytest

from pylme.errors import DataTypeError
from pylme.frame.lazy_table import is_lazy, open_lazy, scan_parquet

FRAME = pl.DataFrame({"y": [1.0, 2.0, 3.0], "g": ["a", "b", "a"], "t": [True, False, None]})


@pytest.fixture
def files(tmp_path):
    for part in ("one", "two"):
        FRAME.write_parquet(tmp_path / f"{part}.parquet")
    return tmp_path


def test_what_is_lazy(files):
    assert all(
        map(
            is_lazy,
            [
                FRAME.lazy(),
                duckdb.from_arrow(FRAME.to_arrow()),
                pyarrow.dataset.dataset(files),
                files,
                str(files / "*.parquet"),
            ],
        )
    )
    assert not any(map(is_lazy, [FRAME, FRAME.to_pandas(), FRAME.to_arrow(), FRAME.to_dict()]))


@pytest.mark.parametrize("pattern", ["one.parquet", "", "*.parquet"])
@pytest.mark.parametrize("engine", ["duckdb", "polars"])
def test_paths(files, pattern, engine):
    rows = 3 if pattern.startswith("one") else 6
    found = scan_parquet(str(files / pattern), by=engine).select(nw.len()).collect().rows()
    assert found == [(rows,)]
    table = open_lazy(files / pattern)
    assert table.engine == "duckdb"
    assert list(table.types) == ["y", "g", "t"]


def test_a_path_that_is_no_parquet_file(tmp_path):
    (tmp_path / "a.csv").write_text("y,g\n1,2\n")
    for path in (tmp_path / "a.csv", tmp_path / "none.parquet"):
        with pytest.raises(DataTypeError, match="cannot be read as Parquet"):
            open_lazy(path)


def test_the_library_of_results():
    assert open_lazy(FRAME.lazy()).library == "polars"
    assert open_lazy(duckdb.from_arrow(FRAME.to_arrow())).library == "pandas"
