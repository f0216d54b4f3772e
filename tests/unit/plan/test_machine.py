from pathlib import Path

from commbench.plan.machine import available_memory_bytes, count_gpus, this_machine


def test_the_drivers_folders_are_counted_as_gpus(tmp_path: Path) -> None:
    assert count_gpus(tmp_path / "absent") == 0
    for name in ("0000:19:00.0", "0000:3b:00.0"):
        (tmp_path / name).mkdir()
    assert count_gpus(tmp_path) == 2


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
