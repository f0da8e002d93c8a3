"""Stores of other versions: refused, with what to do, and left as they are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import StoreError
from pylme.simulation.store.schema import FILE, SCHEMA

#: A study of three replicates that version 0.1 of pylme kept.
OF_0_1 = Path(__file__).parents[1] / "fixtures" / "store_0_1"


def study(store=None):
    """The study that is kept in `OF_0_1`."""
    grid = pylme.expand_grid(school=range(6), ses=range(4))
    model = pylme.simulator(
        "y ~ ses + (1 | school)", grid, beta=[1, 2], sigma=1, covariances={"sd": 2}
    )
    return pylme.study(model, {"slopes": "y ~ ses + (1 | school)"}, n=3, seed=1, store=store)


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_store_of_version_0_1_is_refused_and_left_alone(tmp_path):
    folder = tmp_path / "store"
    shutil.copytree(OF_0_1, folder)
    before = files(folder)
    with pytest.raises(StoreError, match=r"kept by pylme 0\.1.*\nGive another folder as `store`"):
        study(folder)
    assert files(folder) == before


def test_the_rows_of_a_store_of_version_0_1_can_be_read_by_pandas():
    """As the remedy says; and they are the numbers of today, to the optimiser's tolerance."""
    (folder,) = OF_0_1.glob("study-*")
    rows, own = pd.read_parquet(folder), study().rows
    assert rows["parameter"].tolist() == own["parameter"].tolist()
    for name in ("estimate", "std_error"):
        np.testing.assert_allclose(rows[name], own[name], rtol=1e-6)


def test_a_store_says_its_schema(tmp_path):
    study(tmp_path)
    assert json.loads((tmp_path / FILE).read_text(encoding="utf-8"))["schema"] == SCHEMA
    import pyarrow.parquet as pq

    (shard,) = tmp_path.glob("study-*/*.parquet")
    assert pq.read_schema(shard).metadata[b"pylme.schema"] == str(SCHEMA).encode()


@pytest.mark.parametrize(
    ("content", "made_by"),
    [
        (json.dumps({"schema": SCHEMA + 1, "pylme": "9.9"}), "pylme 9.9"),
        ("not JSON", "pylme of an unknown version"),
        ("[]", "pylme of an unknown version"),
    ],
)
def test_a_store_with_another_schema_is_refused(tmp_path, content, made_by):
    (tmp_path / FILE).write_text(content, encoding="utf-8")
    with pytest.raises(StoreError, match=made_by):
        study(tmp_path)
    assert (tmp_path / FILE).read_text(encoding="utf-8") == content
