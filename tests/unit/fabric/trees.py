"""Trees as sysfs shows them, built in code: a test says what is special about its machine."""

from pathlib import Path

IB = {
    "link_layer": "InfiniBand",
    "rate": "400 Gb/sec (4X NDR)",
    "state": "4: ACTIVE",
    "phys_state": "5: LinkUp",
    "lid": "0x22",
    "sm_lid": "0x1",
    "gids/0": "fe80:0000:0000:0000:946d:ae03:00cd:e72c",
    "gid_attrs/types/0": "IB/RoCE v1",
}
ROCE = {
    "link_layer": "Ethernet",
    "rate": "400 Gb/sec (4X NDR)",
    "state": "4: ACTIVE",
    "phys_state": "5: LinkUp",
    "lid": "0x0",
    "sm_lid": "0x0",
    "gids/0": "fe80:0000:0000:0000:0e42:a1ff:fead:479a",
    "gid_attrs/types/0": "RoCE v2",
    "gid_attrs/ndevs/0": "eth2",
    "gids/1": "0000:0000:0000:0000:0000:ffff:0a60:531a",
    "gid_attrs/types/1": "IB/RoCE v1",
    "gid_attrs/ndevs/1": "eth2",
    "gids/3": "0000:0000:0000:0000:0000:ffff:0a60:531a",
    "gid_attrs/types/3": "RoCE v2",
    "gid_attrs/ndevs/3": "eth2",
}


def write(root: Path, path: str, text: object) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{text}\n")


def port(root: Path, name: str, files: dict[str, str], number: int = 1, **device: str) -> None:
    """Add a port; keyword arguments are files of the device, such as hca_type."""
    folder = f"class/infiniband/{name}"
    for path, text in files.items():
        write(root, f"{folder}/ports/{number}/{path}", text)
    for path, text in ({"hca_type": "MT4129", "fw_ver": "28.39.1002"} | device).items():
        write(root, f"{folder}/{path}", text)


def count(root: Path, name: str, /, **counters: object) -> None:
    """Set counters; `hw_` before a name puts it under hw_counters."""
    for counter, value in counters.items():
        folder = "hw_counters" if counter.startswith("hw_") else "counters"
        write(root, f"class/infiniband/{name}/ports/1/{folder}/{counter.removeprefix('hw_')}", value)


def interface(root: Path, name: str, **files: object) -> None:
    """Add a network interface that is up, at 100 Gbit/s unless said otherwise."""
    facts: dict[str, object] = {"type": 1, "operstate": "up", "speed": 100000, "mtu": 9000, "carrier_changes": 2}
    for path, value in (facts | files).items():
        write(root, f"class/net/{name}/{path.replace('__', '/')}", value)


def pci(root: Path, path: str, driver: str = "", **files: object) -> Path:
    """Add a PCI device below its bridges, such as `0000:00:01.0/0000:01:00.0`, and return its folder."""
    folder = root / "devices/pci0000:00" / path
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (folder / name).write_text(f"{value}\n")
    if driver:
        (root / "bus/pci/drivers" / driver).mkdir(parents=True, exist_ok=True)
        (folder / "driver").symlink_to(root / "bus/pci/drivers" / driver)
    place = root / "bus/pci/devices" / folder.name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(folder)
    return folder


def plug(root: Path, kind: str, name: str, device: Path) -> None:
    """Say on which PCI device `class/<kind>/<name>` sits."""
    link = root / "class" / kind / name / "device"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(device)


def proc_net_dev(root: Path, **bytes_of: tuple[int, int]) -> None:
    """Write /proc/self/net/dev with (tx, rx) bytes of each interface."""
    lines = ["Inter-|   Receive                            |  Transmit", " face |bytes packets errs|bytes packets errs"]
    for name, (tx, rx) in bytes_of.items():
        lines.append(f"{name:>6}: {rx} 1 0 0 0 0 0 0 {tx} 1 0 0 0 0 0 0")
    write(root, "self/net/dev", "\n".join(lines))
