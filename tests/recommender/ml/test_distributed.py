"""Training in two processes with gloo equals training in one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.distributed_training import CASES, loss_curve
from tests.support.small_trainer import make_trainer

ROOT = Path(__file__).parents[3]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


pytestmark = pytest.mark.slow  # two processes that train


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The results of the two processes."""
    folder = tmp_path_factory.mktemp("two")
    program = ["-m", "tests.support.distributed_training", str(folder)]
    subprocess.run([*TORCHRUN, *program], check=True, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, timeout=300)
    return [json.loads((folder / f"rank{rank}.json").read_text()) for rank in (0, 1)]


def test_the_loss_curve_equals_that_of_one_process(two):
    for name in ("full", "sampled", "single rows"):
        np.testing.assert_allclose(two[0][name], loss_curve(make_trainer(**CASES[name])), rtol=1e-3, err_msg=name)


def test_with_dropout_the_loss_falls_as_fast(two):
    """Each process drops other units, so the curves are two samples of the same process."""
    single = loss_curve(make_trainer(**CASES["dropout"]))
    assert two[0]["dropout"] != single
    np.testing.assert_allclose(np.mean(two[0]["dropout"][-5:]), np.mean(single[-5:]), rtol=0.05)


def test_both_processes_have_the_same_weights_and_losses(two):
    assert two[0] == two[1]


def test_an_interrupted_group_resumes_with_the_same_result(two):
    np.testing.assert_allclose(two[0]["resumed"], two[0]["full"], rtol=1e-5)
