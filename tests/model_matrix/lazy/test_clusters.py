"""A fit runs where the frame lives: on the workers of a dask cluster, on the threads of Spark."""

from __future__ import annotations

import shutil

import dask.dataframe as dd
import pytest
from distributed import Client, LocalCluster

import pylme
from tests.model_matrix.lazy.models import DATA


@pytest.mark.simulation
@pytest.mark.filterwarnings("ignore")
def test_two_dask_workers(tmp_path):
    DATA.to_parquet(tmp_path / "data.parquet")
    formula = "y ~ x * f + (x | g)"
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        frame = dd.read_parquet(tmp_path / "data.parquet").repartition(npartitions=4)
        fit = pylme.lmer(formula, frame, engine="numpy")
    known = pylme.lmer(formula, DATA, engine="numpy")
    assert fit.criterion == pytest.approx(known.criterion, rel=1e-9)
    assert fit.theta == pytest.approx(known.theta, abs=1e-8)


@pytest.mark.simulation
@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(shutil.which("java") is None, reason="Spark runs in a JVM, and there is none")
def test_two_threads_of_spark(tmp_path):
    sql = pytest.importorskip("pyspark.sql", reason="Spark's package is no dependency of the tests")
    DATA.to_parquet(tmp_path / "data.parquet")
    formula = "y ~ x * f + (x | g)"
    session = (
        sql.SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .getOrCreate()
    )
    try:
        fit = pylme.lmer(
            formula, session.read.parquet(str(tmp_path / "data.parquet")), engine="numpy"
        )
    finally:
        session.stop()
    known = pylme.lmer(formula, DATA, engine="numpy")
    assert fit.criterion == pytest.approx(known.criterion, rel=1e-9)
    assert fit.theta == pytest.approx(known.theta, abs=1e-8)
