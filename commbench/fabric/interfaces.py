"""Network interfaces from /sys/class/net, and from /proc where /sys shows another network namespace."""

from pathlib import Path

from commbench.fabric.devices import Interface
from commbench.fabric.pci import place_of
from commbench.fabric.sysfs import SYS, entries, link_name, number, text

_MBIT_PER_GBIT = 1000
_LOWER = "lower_"


def network_interfaces(root: Path = SYS, proc: Path | None = None) -> tuple[Interface, ...]:
    """Return the interfaces under a sysfs tree.

    With `proc` only those that this process can use: `nsenter --net` changes the namespace and keeps the old /sys, so
    an interface that /proc names and /sys does not is returned by name alone, in state `unknown`.
    """
    folders = {folder.name: folder for folder in entries(root / "class/net") if folder.is_dir()}
    names = list(proc_counters(proc)) if proc else []
    return tuple(_interface(folders[name]) if name in folders else _unseen(name) for name in names or folders)


def proc_counters(proc: Path) -> dict[str, tuple[int, ...]]:
    """Return the 16 columns of /proc/self/net/dev by interface; they are those of this process's own namespace."""
    counters = {}
    for line in text(proc / "self/net/dev").splitlines():
        name, colon, numbers = line.rpartition(":")
        columns = numbers.split()
        if colon and columns and all(column.isdecimal() for column in columns):
            counters[name.strip()] = tuple(map(int, columns))
    return counters


def _unseen(name: str) -> Interface:
    return Interface(name, operstate="unknown")


def _interface(folder: Path) -> Interface:
    mbit_s = number(folder / "speed")  # -1 and EINVAL both mean that the driver does not know
    return Interface(
        name=folder.name,
        type_code=number(folder / "type") or 0,
        operstate=text(folder / "operstate"),
        speed_gbit_s=mbit_s / _MBIT_PER_GBIT if mbit_s and mbit_s > 0 else None,
        mtu=number(folder / "mtu") or 0,
        driver=link_name(folder / "device/driver"),
        lower=_lower(folder),
        bond_mode=text(folder / "bonding/mode").partition(" ")[0],
        carrier_changes=number(folder / "carrier_changes"),
        is_virtual=not (folder / "device").exists(),
        place=place_of(folder / "device"),
    )


def _lower(folder: Path) -> tuple[str, ...]:
    linked = [entry.name.removeprefix(_LOWER) for entry in entries(folder) if entry.name.startswith(_LOWER)]
    return tuple(dict.fromkeys([*linked, *text(folder / "bonding/slaves").split()]))
