from pathlib import Path

from commbench.launch.links import interface_towards, links_up


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")


def test_interfaces_and_ports_that_are_up_are_told_from_those_that_are_not(tmp_path: Path) -> None:
    write(tmp_path / "net/eth0/operstate", "up")
    write(tmp_path / "net/eth1/operstate", "lowerlayerdown")
    write(tmp_path / "net/lo/operstate", "unknown")
    write(tmp_path / "infiniband/mlx5_0/ports/1/state", "4: ACTIVE")
    write(tmp_path / "infiniband/mlx5_1/ports/1/state", "1: DOWN")
    assert links_up(tmp_path) == {"eth0", "mlx5_0:1"}


def test_a_host_without_sysfs_has_no_links(tmp_path: Path) -> None:
    assert links_up(tmp_path) == frozenset()


def test_no_interface_leads_to_this_very_host_or_to_one_that_nobody_knows() -> None:
    assert interface_towards(("localhost", "127.0.0.1", "no-such-host.invalid")) == ""
    assert interface_towards(()) == ""
