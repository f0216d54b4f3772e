import os
import subprocess
import sys
from pathlib import Path

import pytest

from commbench.environment.cgroup import CpuGroup
from commbench.environment.noise import NoiseGauge, NoiseReading, same_command


def _between(before: NoiseReading, after: NoiseReading) -> tuple[float | None, float | None]:
    noise = NoiseGauge([]).between(before, after)
    return noise.others_share, noise.steal_share


def test_others_had_what_was_neither_free_nor_stolen_nor_ours() -> None:
    before = NoiseReading(0.0, 4, 100.0, 5.0, 10.0, 0.0, 0.0)
    after = NoiseReading(1.0, 4, 101.0, 5.4, 11.6, 0.0, 0.0)  # of 4 s: 1 free, 0.4 stolen, 1.6 ours
    others, steal = _between(before, after)
    assert others == pytest.approx(0.25)
    assert steal == pytest.approx(0.1)


def test_ticks_never_make_a_share_negative_or_more_than_all() -> None:
    before = NoiseReading(0.0, 2, 100.0, 0.0, 0.0, 0.0, 0.0)
    assert _between(before, NoiseReading(0.01, 2, 100.04, 0.0, 0.01, 0.0, 0.0)) == (0.0, 0.0)
    assert _between(before, NoiseReading(0.01, 2, 99.0, 0.0, 0.0, 0.0, 0.0)) == (1.0, 0.0)


def test_a_kernel_without_statistics_gives_no_number(tmp_path: Path) -> None:
    gauge = NoiseGauge([os.getpid()], proc=tmp_path)
    noise = gauge.between(gauge.reading(), gauge.reading())
    assert (noise.others_share, noise.steal_share, noise.throttled_s) == (None, None, 0.0)


def test_processes_of_the_same_command_are_ours() -> None:
    program = "from commbench.environment.noise import same_command as f; print(1, flush=True); input(); print(*f())"
    command = [sys.executable, "-c", program]
    twins = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for twin in twins:
        assert twin.stdout is not None
        assert twin.stdout.readline() == "1\n"
    found, _ = twins[0].communicate("go\n")
    twins[1].communicate("go\n")
    assert {twin.pid for twin in twins} <= set(map(int, found.split()))
    assert os.getpid() not in map(int, found.split())
    assert os.getpid() in same_command()


@pytest.mark.parametrize(
    ("membership", "files", "quota", "throttled_s"),
    [
        ("0::/a/b\n", {"a/b/cpu.stat": "throttled_usec 1500000\n", "a/b/cpu.max": "max 100000\n"}, None, 1.5),
        (
            "0::/a/b\n",
            {"a/b/cpu.stat": "", "a/b/cpu.max": "400000 100000\n", "a/cpu.stat": "", "a/cpu.max": "50000 100000\n"},
            0.5,
            None,
        ),
        ("0::/elsewhere\n", {"cpu.stat": "throttled_usec 7\n", "cpu.max": "200000 100000\n"}, 2.0, 7e-6),
        (
            "9:memory:/m\n3:cpu,cpuacct:/a\n0::/\n",
            {
                "cpu,cpuacct/a/cpu.stat": "throttled_time 3000000000\n",
                "cpu,cpuacct/a/cpu.cfs_quota_us": "150000\n",
                "cpu,cpuacct/a/cpu.cfs_period_us": "100000\n",
            },
            1.5,
            3.0,
        ),
        ("1:cpu:/\n", {"cpu/cpu.stat": "", "cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "9\n"}, None, None),
        ("9:memory:/m\n", {}, None, None),
    ],
    ids=["unlimited", "tightest-parent", "inside-a-container", "version-1", "version-1-unlimited", "no-group"],
)
def test_the_quota_of_either_version_is_found(
    membership: str, files: dict[str, str], quota: float | None, throttled_s: float | None, tmp_path: Path
) -> None:
    for path, text in {"proc/self/cgroup": membership, **{f"cg/{path}": text for path, text in files.items()}}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    group = CpuGroup.of_this_process(tmp_path / "proc", tmp_path / "cg")
    assert (group.quota_cpus(), group.throttled_s()) == (quota, throttled_s)
