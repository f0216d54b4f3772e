import json
from pathlib import Path

from .command import Workplace


def test_doctor_names_every_remedy_and_says_by_its_exit_code_whether_to_measure(workplace: Workplace) -> None:
    done = workplace.run("doctor", "--json", "--ranks", "4096")
    told = json.loads(done.stdout)
    assert done.returncode == (3 if told["level"] == "fail" else 0)
    cores = next(finding for finding in told["findings"] if finding["name"] == "cores")
    assert cores["level"] == "warn"
    assert "4096 ranks" in cores["found"]
    assert all(finding["remedy"] for finding in told["findings"] if finding["level"] != "ok")


def _tree(root: Path, **changed: str) -> Path:
    files = {"link_layer": "InfiniBand", "rate": "400 Gb/sec (4X NDR)", "state": "4: ACTIVE", "phys_state": "5: LinkUp"}
    for name, text in (files | {"lid": "0x22", "sm_lid": "0x1"} | changed).items():
        file = root / "sys/class/infiniband/mlx5_0/ports/1" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")
    return root / "sys"


def test_another_machine_s_tree_is_judged_by_its_interconnect_alone(workplace: Workplace, tmp_path: Path) -> None:
    done = workplace.run("doctor", "--json", "--sysfs", str(_tree(tmp_path)))
    found = {finding["name"]: finding["level"] for finding in json.loads(done.stdout)["findings"]}
    assert done.returncode == 0
    assert (found["link states"], found["subnet manager"], found["MTU"]) == ("ok", "ok", "skip")
    assert "other tenants" not in found


def test_a_tree_with_a_dead_port_is_unfit(workplace: Workplace, tmp_path: Path) -> None:
    done = workplace.run("doctor", "--sysfs", str(_tree(tmp_path, state="2: INIT", sm_lid="0x0")))
    assert done.returncode == 3
    assert "fail  link states" in done.stdout
    assert "opensm" in done.stdout


def test_the_fabrics_of_a_host_are_listed_with_what_each_would_set(workplace: Workplace, tmp_path: Path) -> None:
    sysfs = str(_tree(tmp_path))
    done = workplace.run("list", "--fabrics", "--sysfs", sysfs)
    assert done.returncode == 0
    assert "infiniband  mlx5_0:1  400 Gbit/s  active" in done.stdout
    assert "NCCL_NET=IB NCCL_IB_HCA==mlx5_0:1" in done.stdout
    assert "roce (nccl)        not here: fabric roce: no RoCE port on this host" in done.stdout
    told = json.loads(workplace.run("list", "--fabrics", "--json", "--sysfs", sysfs).stdout)
    assert told["ports"][0]["fabric"] == "infiniband"
    assert {preset["fabric"] for preset in told["presets"]} == {"infiniband", "roce", "tcp", "nvlink", "shm"}


def test_a_tree_that_is_not_there_is_a_usage_error(workplace: Workplace, tmp_path: Path) -> None:
    for arguments in (("doctor", "--sysfs"), ("list", "--fabrics", "--sysfs")):
        done = workplace.run(*arguments, str(tmp_path / "none"))
        assert (done.returncode, "does not exist" in done.stderr) == (2, True)
    assert workplace.run("list", "--sysfs", str(tmp_path)).returncode == 2
