"""Processors and memory are what the container allows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infrastructure import resources
from infrastructure.resources import MIB, available_resources
from movierec.local import embedded_servers
from movierec.local.server_paths import ServerLayout
from tests.support.launcher import ROOT

GIB = 1024 * MIB


def fake_root(root, cgroup, **files):
    """A root folder with 64 GiB, this process in `cgroup`, and `files` below /sys/fs/cgroup."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/meminfo").write_text(f"MemTotal:       {64 * GIB // 1024} kB\n")
    (root / "proc/self/cgroup").write_text(cgroup)
    for name, text in files.items():
        file = root / "sys/fs/cgroup" / name.replace("__", "/").replace("DOT", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    return root


@pytest.fixture
def eight_processors(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))


@pytest.mark.parametrize(
    ("cgroup", "files", "cpus", "memory"),
    [
        ("0::/\n", {}, 8, 64 * GIB),
        ("0::/\n", {"cpuDOTmax": "max 100000", "memoryDOTmax": "max"}, 8, 64 * GIB),
        ("0::/\n", {"cpuDOTmax": "150000 100000", "memoryDOTmax": str(2 * GIB)}, 1, 2 * GIB),
        ("0::/\n", {"cpuDOTmax": "10000 100000", "memoryDOThigh": str(GIB)}, 1, GIB),
        # A limit of a group above holds as well.
        ("0::/a/b\n", {"a__cpuDOTmax": "300000 100000", "a__b__cpuDOTmax": "max 100000", "a__memoryDOTmax": str(GIB)},
         3, GIB),
        # The path of the machine, in a container that sees its own group at the mount.
        ("0::/docker/1234\n", {"cpuDOTmax": "200000 100000", "memoryDOTmax": str(3 * GIB)}, 2, 3 * GIB),
        # Version 1, with the limits of none written as a large number and -1.
        ("4:memory:/x\n3:cpu,cpuacct:/x\n",
         {"cpu,cpuacct__x__cpuDOTcfs_quota_us": "400000", "cpu,cpuacct__x__cpuDOTcfs_period_us": "100000",
          "memory__x__memoryDOTlimit_in_bytes": str(4 * GIB)}, 4, 4 * GIB),
        ("4:memory:/\n3:cpu:/\n0::/\n",
         {"cpu__cpuDOTcfs_quota_us": "-1", "cpu__cpuDOTcfs_period_us": "100000",
          "memory__memoryDOTlimit_in_bytes": "9223372036854771712"}, 8, 64 * GIB),
    ],
)  # fmt: skip
def test_the_lowest_limit_counts(tmp_path, eight_processors, cgroup, files, cpus, memory):
    assert available_resources(fake_root(tmp_path, cgroup, **files)) == (cpus, memory)


def test_servers_and_workers_fit_into_a_small_container(monkeypatch, tmp_path):
    layout = ServerLayout(tmp_path, tmp_path, tmp_path, tmp_path, None)
    for memory, workers, buffers, valkey in ((512 * MIB, 1, 64, 64), (64 * GIB, 2, 256, 1024)):
        for module in (embedded_servers, resources):
            monkeypatch.setattr(module, "available_resources", lambda memory=memory: resources.Resources(4, memory))
        assert resources.default_web_workers() == workers
        assert f"shared_buffers={buffers}MB" in embedded_servers.postgres_command(layout, True)
        assert f"{valkey}mb" in embedded_servers.valkey_command(layout, True)
    monkeypatch.setattr(resources, "available_resources", lambda: resources.Resources(1, 64 * GIB))
    assert resources.default_web_workers() == 1


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one processor is all there is")
def test_a_process_bound_to_one_processor_uses_one_thread():
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); os.environ.pop('OMP_NUM_THREADS', 0)\n"
        "from infrastructure.resources import limit_threads; limit_threads()\n"
        "import torch; print(torch.get_num_threads())"
    )
    completed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert completed.stdout == "1\n"


@pytest.fixture
def one_processor_group():
    """A cgroup of the kernel whose processes get the time of one processor, on whichever they run."""
    first = Path("/sys/fs/cgroup/cpu")  # version 1
    group = (first if first.is_dir() else Path("/sys/fs/cgroup")) / f"movierec-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup can be made here: {error}")
    try:
        if first.is_dir():
            (group / "cpu.cfs_quota_us").write_text("100000")
            (group / "cpu.cfs_period_us").write_text("100000")
        else:
            (group / "cpu.max").write_text("100000 100000")
        yield group
    except OSError as error:
        pytest.skip(f"its processors cannot be limited here: {error}")
    finally:
        group.rmdir()


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one processor is all there is")
def test_a_process_whose_cgroup_has_the_time_of_one_processor_uses_one_thread(one_processor_group):
    code = (
        "import os, sys; open(sys.argv[1], 'w').write(str(os.getpid())); os.environ.pop('OMP_NUM_THREADS', 0)\n"
        "from infrastructure.resources import available_resources, limit_threads; limit_threads()\n"
        "import torch; print(len(os.sched_getaffinity(0)) > 1, available_resources().cpus, torch.get_num_threads())"
    )
    command = [sys.executable, "-c", code, str(one_processor_group / "cgroup.procs")]
    completed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert completed.stdout == "True 1 1\n"
