import subprocess
import sys
from pathlib import Path

from commbench.environment.clock_id import clock_identity, shares_clock


def test_processes_of_one_host_share_a_clock() -> None:
    program = "from commbench.environment.clock_id import clock_identity; print(clock_identity(), end='')"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert shares_clock(clock_identity(), other)


def test_another_boot_or_time_namespace_is_another_clock(tmp_path: Path) -> None:
    def identity(name: str, boot: str, namespace: str) -> str:
        proc = tmp_path / name
        (proc / "sys/kernel/random").mkdir(parents=True)
        (proc / "sys/kernel/random/boot_id").write_text(boot + "\n")
        (proc / "self/ns").mkdir(parents=True)
        (proc / "self/ns/time").symlink_to(namespace)
        return clock_identity(proc)

    one = identity("one", "b1", "time:[1]")
    assert shares_clock(one, identity("same", "b1", "time:[1]"))
    assert not shares_clock(one, identity("rebooted", "b2", "time:[1]"))
    assert not shares_clock(one, identity("elsewhere", "b1", "time:[2]"))


def test_unknown_clocks_are_never_taken_for_one(tmp_path: Path) -> None:
    unknown = clock_identity(tmp_path)
    assert not shares_clock(unknown, unknown)
