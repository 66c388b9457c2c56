"""Dask workers: they find what one process finds, also when one of them is killed. Needs the extra `cluster`."""

from __future__ import annotations

import os
import signal
import warnings

import pytest

from property_tests.hunt.support import contents, hunted, plan

distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")

pytestmark = pytest.mark.filterwarnings("ignore")  # Dask's own


@pytest.fixture(scope="module")
def cluster():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as running:
            yield running


def test_a_cluster_finds_what_one_process_finds_although_a_worker_is_killed(cluster, tmp_path, monkeypatch):
    from thmverify.hunting.executors import Cluster

    monkeypatch.setattr("thmverify.hunting.run._SHORTEST", 0.05)
    the_plan = plan("infonce-equality", "weights=equal", "components=4", islands=3)
    hunted(tmp_path / "here", the_plan, 12_000)
    executor = Cluster(cluster.scheduler_address)
    assert executor.workers == 2
    left = [1]

    def killing(_progress):
        if left and left.pop():
            os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)

    try:
        hunted(tmp_path / "cluster", the_plan, 12_000, executor=executor, observe=killing)
    finally:
        executor.close()
    assert contents(tmp_path / "here", the_plan.id) == contents(tmp_path / "cluster", the_plan.id)
