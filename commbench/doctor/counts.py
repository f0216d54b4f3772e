"""What links have counted since the host started: a report, since nobody knows when it was."""

from commbench.doctor.finding import Finding, Level
from commbench.doctor.host import Host, text
from commbench.fabric.counter_rules import CONGESTION, LOSS, PHYSICAL, is_saturated
from commbench.fabric.counters import LinkReading, snapshot

_SECONDS_PER_DAY = 86400
_CHANGES_PER_LOSS = 2  # lost and found again
_FLAPS_PER_DAY = 5  # source: azurehpc-health-checks, check_ib_link_flapping


class LinkCounters:
    """Counters of trouble since the driver was loaded: every run records its own difference of them."""

    name = "link counters"

    def look(self, host: Host) -> Finding | None:
        readings = [reading for reading in snapshot(host.sys, None) if reading.fabric != "tcp"]
        if not readings:
            return None
        if not any(reading.counters for reading in readings):
            return Finding(
                self.name,
                Level.SKIP,
                f"none of {len(readings)} ports counts anything that can be read",
                remedy="virtual functions have no counters of their own: look at the physical port on its host",
            )
        said = [words for reading in readings if (words := _trouble(reading))]
        if not said:
            return Finding(self.name, Level.OK, f"no trouble counted on {len(readings)} ports since boot")
        return Finding(self.name, Level.OK, f"since boot, for information: {'; '.join(said)}")


class Flaps:
    """A link that comes and goes stops a collective for seconds each time."""

    name = "link flaps"

    def look(self, host: Host) -> Finding | None:
        real = [one for one in host.devices.interfaces if not one.is_virtual and one.carrier_changes is not None]
        if not real:
            return None
        days = _days_up(host)
        lost = {one.name: (one.carrier_changes or 0) // _CHANGES_PER_LOSS for one in real}
        often = [f"{name} {count} times" for name, count in lost.items() if count >= _FLAPS_PER_DAY * days]
        if not often:
            return Finding(
                self.name, Level.OK, f"{len(real)} interfaces lost their carrier at most {max(lost.values())} times"
            )
        return Finding(
            self.name,
            Level.WARN,
            f"carrier lost: {', '.join(often)} in {days:.1f} days",
            "collectives stop for seconds when it happens, and runs time out",
            "look at cable, transceiver and switch port (`ethtool -m`, `dmesg | grep -i carrier`)",
        )


def _trouble(reading: LinkReading) -> str:
    words = []
    for kind, names in (("physical", PHYSICAL), ("loss", LOSS), ("congestion", CONGESTION)):
        found = [_value(name, reading.counters[name]) for name in names if reading.counters.get(name)]
        if found:
            words.append(f"{kind} {', '.join(found)}")
    return f"{reading.link}: {', '.join(words)}" if words else ""


def _value(name: str, value: int) -> str:
    return f"{name} {value}" + (" or more (the counter is full)" if is_saturated(name, value) else "")


def _days_up(host: Host) -> float:
    """Return how long the host is up, at least one day."""
    try:
        return max(float(text(host.proc / "uptime").split()[0]) / _SECONDS_PER_DAY, 1.0)
    except (IndexError, ValueError):
        return 1.0
