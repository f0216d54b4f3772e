import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from commbench.doctor.finding import Level
from commbench.doctor.tenants import Tenants

from .fake_host import quiet_host, write


@pytest.mark.parametrize(
    ("idle_share", "level"), [(1.0, Level.OK), (0.85, Level.WARN), (0.2, Level.FAIL)], ids=["idle", "noisy", "hopeless"]
)
def test_the_share_of_others_decides_and_the_busiest_are_named(
    idle_share: float, level: Level, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a clock that goes on while we watch and not before: this host is busy itself."""
    now_s = [0.0]
    clock = SimpleNamespace(monotonic=lambda: now_s[0], clock_gettime_ns=time.clock_gettime_ns)
    monkeypatch.setattr("commbench.environment.noise.time", clock)

    def stat(pid: int, name: str, ticks: int) -> None:
        write(tmp_path, f"proc/{pid}/stat", f"{pid} ({name}) S 1 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 1 0\n")

    def pause(seconds: float) -> None:
        now_s[0] += seconds
        idle = 1000 + round(seconds * 4 * 100 * idle_share)
        lines = f"cpu  100 0 100 {idle} 0 0 0 0 0 0\n" + "cpu0\ncpu1\ncpu2\ncpu3\n"
        write(tmp_path, "proc/stat", lines)
        stat(41, "compile (x) y", 30)
        stat(42, "browser", 19)

    host = quiet_host(tmp_path, pause=pause)
    stat(41, "compile (x) y", 10)
    stat(42, "browser", 18)
    stat(43, "idler", 500)
    finding = Tenants().look(host)
    assert finding is not None
    assert finding.level is level, finding
    if level is not Level.OK:
        assert "compile (x) y (pid 41)" in finding.found
        assert finding.found.index("compile") < finding.found.index("browser")
        assert "idler" not in finding.found
