from pathlib import Path

import pytest

from commbench.plan.machine import available_memory_bytes, count_gpus, this_machine


def test_the_drivers_folders_are_counted_as_gpus_or_else_the_device_files(tmp_path: Path) -> None:
    gpus, devices = tmp_path / "gpus", tmp_path / "dev"
    devices.mkdir()
    assert count_gpus(gpus, devices, {}) == 0
    for name in ("nvidia0", "nvidiactl", "nvidia-uvm"):
        (devices / name).touch()
    assert count_gpus(gpus, devices, {}) == 1
    for name in ("0000:19:00.0", "0000:3b:00.0"):
        (gpus / name).mkdir(parents=True)
    assert count_gpus(gpus, devices, {}) == 2


@pytest.mark.parametrize(
    ("visible", "gpus"),
    [("", 0), ("0", 1), ("1,0", 2), ("GPU-8f2a", 1), ("0,1,2,3", 3), ("-1", 0), ("1,-1", 1), ("NoDevFiles", 0)],
)
def test_no_more_gpus_are_counted_than_cuda_may_see(tmp_path: Path, visible: str, gpus: int) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    assert count_gpus(tmp_path, environ={"CUDA_VISIBLE_DEVICES": visible}) == gpus


def test_memory_is_what_is_available_or_the_containers_limit(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 900 kB\nMemAvailable:     500 kB\n", encoding="ascii")
    assert available_memory_bytes(tmp_path, tmp_path / "no-cgroup") == 500 * 1024
    limit = tmp_path / "memory.max"
    limit.write_text("max\n", encoding="ascii")
    assert available_memory_bytes(tmp_path, tmp_path) == 500 * 1024
    limit.write_text("1000\n", encoding="ascii")
    assert available_memory_bytes(tmp_path, tmp_path) == 1000


def test_this_machine_has_a_core_and_memory() -> None:
    machine = this_machine()
    assert machine.cpu_count >= 1
    assert machine.memory_bytes > 0
