import os
import platform
import time
from pathlib import Path

import pytest

from commbench.environment import host
from commbench.environment.host import host_facts


def fake_smi(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "nvidia-smi"
    program.write_text("#!/bin/sh\n" + script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_a_host_without_a_gpu_is_known_by_its_kernel_and_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    facts = host_facts()
    assert (facts.gpus, facts.driver_version) == ((), "")
    assert facts.hostname == platform.node()
    assert facts.kernel == platform.release()
    assert facts.cpu_count == len(os.sched_getaffinity(0))
    assert facts.python_version == platform.python_version()
    assert 2**20 < facts.memory_bytes < 2**60
    assert facts.torch_version == ""  # a rank adds what only torch knows


def test_every_gpu_and_the_driver_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_smi(tmp_path, monkeypatch, "echo 'NVIDIA H200, 570.86.15'\necho 'NVIDIA H200, NVL, 570.86.15'\n")
    facts = host_facts()
    assert facts.gpus == ("NVIDIA H200", "NVIDIA H200, NVL")
    assert facts.driver_version == "570.86.15"


@pytest.mark.parametrize(
    "script",
    ["echo 'NVIDIA-SMI has failed, because of the driver'; exit 9", "exit 0", "kill -9 $$", "echo no-comma"],
    ids=["fails", "silent", "dies", "babbles"],
)
def test_a_driver_in_trouble_is_a_host_without_gpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    fake_smi(tmp_path, monkeypatch, script)
    facts = host_facts()
    assert (facts.gpus, facts.driver_version) == ((), "")


def test_the_mtu_of_interfaces_with_a_device_is_a_fact(tmp_path: Path) -> None:
    for name, mtu, has_device in (("ens5f0", "9000\n", True), ("veth1a2b", "1500\n", False), ("broken", "?", True)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mtu").write_text(mtu)
        if has_device:
            (tmp_path / name / "device").mkdir()
    assert host.mtus(tmp_path) == {"ens5f0": 9000}
    assert host_facts().mtus == host.mtus()


def test_a_driver_that_hangs_holds_up_nobody_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_SMI_TIMEOUT_S", 0.3)
    fake_smi(tmp_path, monkeypatch, "exec /bin/sleep 30\n")
    began = time.monotonic()
    assert host_facts().gpus == ()
    assert time.monotonic() - began < 20


def test_only_allowed_variables_are_in_the_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCCL_DEBUG", "WARN")
    monkeypatch.setenv("NCCL_TOKEN", "s3cret")
    monkeypatch.setenv("MY_DIARY", "s3cret")
    facts = host_facts()
    assert facts.variables["NCCL_DEBUG"] == "WARN"
    assert "s3cret" not in str(facts)
