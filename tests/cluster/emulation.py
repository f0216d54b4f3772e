"""A cluster on one machine: hosts are network namespaces, fabrics are bridges with token buckets on both cable ends.

Every host has `mgmt` (unshaped, for the meeting), `fabA` and `fabB`. `ip` and `tc` in batch mode bring it up in a
fraction of a second, and say in words what the kernel refuses, where pyroute2 says a number.
Traps that shaped this: design page fabrics.md, section 1.
"""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

MGMT, FAB_A, FAB_B = "mgmt", "fabA", "fabB"
_NETWORKS = {MGMT: "10.90.0", FAB_A: "10.91.0", FAB_B: "10.92.0"}
_MTU = {MGMT: 9000, FAB_A: 9000, FAB_B: 1500}
_TOKEN_S = 0.002  # a bucket of two milliseconds at line rate
_LEAST_BURST_BYTES = 128 * 1024  # and never below two packets as the kernel segments them late (64 KiB)
_UNITS = {"kbit": 1e3, "mbit": 1e6, "gbit": 1e9}
_DELAY_QUEUE = 11
_serial = itertools.count()

# The remote shell: a host name, then what to run there. Each host has a name of its own, as real ones have.
_SHELL = """#!/bin/sh
host=$1; shift
[ -e "/run/netns/{prefix}$host" ] || {{ echo "nsrsh: no route to host $host" >&2; exit 255; }}
exec ip netns exec "{prefix}$host" unshare --uts sh -c 'hostname "$0"; exec "$@"' "$host" "$@"
"""

# Waits for the end of its input, which also comes when the tests are killed, and takes everything down.
_REAPER = """
cat > /dev/null
for space in "$@"; do ip netns pids "$space" | xargs -r kill -9; done
for space in "$@"; do ip netns del "$space"; rm -rf "/etc/netns/$space"; done
"""


def missing() -> str:
    """Return why this machine cannot emulate a cluster; empty when it can."""
    if os.geteuid() != 0:
        return "an emulated cluster needs root"
    for tool in ("ip", "tc", "bridge"):
        if shutil.which(tool) is None:
            return f"an emulated cluster needs {tool} (apt-get install iproute2)"
    name = f"cbtry{os.getpid()}"
    tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return f"this machine allows no network namespaces: {tried.stderr.strip()}" if tried.returncode else ""


def missing_delay() -> str:
    """Return why this machine cannot delay packets; empty when it can."""
    if shutil.which("iptables-legacy") is None:
        return "added delay needs iptables-legacy (apt-get install iptables)"
    return ""


@dataclass
class Cluster:
    """A running cluster; a context manager that takes everything down again."""

    folder: Path
    hosts: int = 4
    rate_a: str = "1gbit"
    rate_b: str = "500mbit"
    aliases: Mapping[int, str] = field(default_factory=dict)  # further names of hosts
    prefix: str = field(default_factory=lambda: f"cb{os.getpid()}x{next(_serial)}")
    _reaper: "subprocess.Popen[bytes] | None" = None

    @property
    def names(self) -> list[str]:
        """Return the hosts as --hosts takes them."""
        return [f"cbh{i}" for i in range(self.hosts)]

    @property
    def shell(self) -> Path:
        """Return the command that reaches a host, for --remote-shell."""
        return self.folder / f"{self.prefix}-nsrsh"

    def space(self, host: int) -> str:
        return f"{self.prefix}cbh{host}"

    @property
    def switch(self) -> str:
        return f"{self.prefix}sw"

    def rate(self, fabric: str) -> str:
        return {FAB_A: self.rate_a, FAB_B: self.rate_b}[fabric]

    def address(self, host: int, network: str = MGMT) -> str:
        return f"{_NETWORKS[network]}.{host + 1}"

    def __enter__(self) -> "Cluster":
        spaces = [self.switch, *(self.space(i) for i in range(self.hosts))]
        self._reaper = subprocess.Popen(
            ["sh", "-c", _REAPER, "reaper", *spaces],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            self._up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        assert self._reaper is not None
        assert self._reaper.stdin is not None
        self._reaper.stdin.close()
        self._reaper.wait(30)

    def _up(self) -> None:
        spaces = [self.space(i) for i in range(self.hosts)]
        known = "".join(f"{self.address(i)} cbh{i} {self.aliases.get(i, '')}\n" for i in range(self.hosts))
        for space in spaces:
            folder = Path("/etc/netns") / space
            folder.mkdir(parents=True)
            (folder / "hosts").write_text(f"127.0.0.1 localhost\n{known}")
        self.shell.write_text(_SHELL.format(prefix=self.prefix))
        self.shell.chmod(0o755)
        _batch(["ip", "-batch", "-"], [f"netns add {space}" for space in (self.switch, *spaces)])
        bridges = [f"link add br{network} type bridge" for network in _NETWORKS]
        _batch(["ip", "-n", self.switch, "-batch", "-"], [*bridges, "link set lo up"])
        cables = [
            f"link add {network} netns {space} type veth peer name p{i}{network} netns {self.switch}"
            for i, space in enumerate(spaces)
            for network in _NETWORKS
        ]
        _batch(["ip", "-batch", "-"], cables)
        ports = [
            f"link set p{i}{network} master br{network} mtu {_MTU[network]} up"
            for i in range(self.hosts)
            for network in _NETWORKS
        ]
        _batch(["ip", "-n", self.switch, "-batch", "-"], [*ports, *(f"link set br{n} mtu 9000 up" for n in _NETWORKS)])
        for i, space in enumerate(spaces):
            _batch(["ip", "-n", space, "-batch", "-"], ["link set lo up", *self._ends(i)])
            # The kernel's BBR would pace below a token bucket. A namespace may choose the default or reno.
            settings = ["net.ipv4.tcp_congestion_control=reno", "net.ipv4.tcp_slow_start_after_idle=0"]
            _run(["ip", "netns", "exec", space, "sysctl", "-qw", *settings])
        _batch(
            ["tc", "-n", self.switch, "-batch", "-"],
            [self._bucket(f"p{i}{fabric}", self.rate(fabric)) for i in range(self.hosts) for fabric in (FAB_A, FAB_B)],
        )
        for space in spaces:
            buckets = [self._bucket(fabric, self.rate(fabric)) for fabric in (FAB_A, FAB_B)]
            _batch(["tc", "-n", space, "-batch", "-"], buckets)

    def _ends(self, host: int) -> list[str]:
        return [
            line
            for network in _NETWORKS
            for line in (
                f"addr add {self.address(host, network)}/24 dev {network}",
                f"link set {network} mtu {_MTU[network]} up",
            )
        ]

    @staticmethod
    def _bucket(device: str, rate: str) -> str:
        return f"qdisc replace dev {device} root tbf rate {rate} burst {_burst_bytes(rate)} latency 50ms"

    @staticmethod
    def _class(rate: str) -> str:
        return f"rate {rate} burst {_burst_bytes(rate)} cburst {_burst_bytes(rate)}"

    def command(self, host: int, *arguments: str) -> list[str]:
        """Return the command that runs something on a host."""
        return [str(self.shell), f"cbh{host}", *arguments]

    def run(self, host: int, *arguments: str) -> str:
        """Run something on a host and return what it prints."""
        return _run(self.command(host, *arguments))

    def pids(self, host: int) -> list[int]:
        """Return the processes on a host."""
        return [int(pid) for pid in _run(["ip", "netns", "pids", self.space(host)]).split()]

    def bytes(self, fabric: str) -> list[tuple[int, int]]:
        """Return how many bytes each host has sent and received on a fabric, as its kernel counted them."""
        rows = []
        for host in range(self.hosts):
            (link,) = json.loads(_run(["ip", "-n", self.space(host), "-s", "-j", "link", "show", "dev", fabric]))
            rows.append((link["stats64"]["tx"]["bytes"], link["stats64"]["rx"]["bytes"]))
        return rows

    def slow(self, host: int, fabric: str, rate: str) -> None:
        """Give a host's link another rate, both ways."""
        _batch(["tc", "-n", self.space(host), "-batch", "-"], [self._bucket(fabric, rate)])
        _batch(["tc", "-n", self.switch, "-batch", "-"], [self._bucket(f"p{host}{fabric}", rate)])

    def slow_tx(self, host: int, fabric: str, rate: str) -> None:
        """Give what a host sends another rate."""
        _batch(["tc", "-n", self.space(host), "-batch", "-"], [self._bucket(fabric, rate)])

    def slow_rx(self, host: int, fabric: str, rate: str) -> None:
        """Give what a host receives another rate."""
        _batch(["tc", "-n", self.switch, "-batch", "-"], [self._bucket(f"p{host}{fabric}", rate)])

    def slow_path(self, sender: int, fabric: str, receiver: int, rate: str) -> None:
        """Give what one host sends to another one another rate, as a bad cable between two switches would."""
        lines = [
            f"qdisc replace dev {fabric} root handle 1: htb default 10",
            f"class replace dev {fabric} parent 1: classid 1:10 htb {self._class(self.rate(fabric))}",
            f"class replace dev {fabric} parent 1: classid 1:20 htb {self._class(rate)}",
            f"filter add dev {fabric} parent 1: protocol ip prio 1 u32 match ip dst "
            f"{self.address(receiver, fabric)}/32 flowid 1:20",
        ]
        _batch(["tc", "-n", self.space(sender), "-batch", "-"], lines)

    def restore(self, host: int, fabric: str) -> None:
        """Give a host's link its own rate back."""
        self.slow(host, fabric, self.rate(fabric))

    def link_down(self, host: int, fabric: str) -> None:
        """Take a host's interface down, as its administrator would."""
        _run(["ip", "-n", self.space(host), "link", "set", fabric, "down"])

    def link_up(self, host: int, fabric: str) -> None:
        _run(["ip", "-n", self.space(host), "link", "set", fabric, "up"])

    def port_down(self, host: int, fabric: str) -> None:
        """Take the switch's port down: the host loses its carrier."""
        _run(["ip", "-n", self.switch, "link", "set", f"p{host}{fabric}", "down"])

    def port_up(self, host: int, fabric: str) -> None:
        _run(["ip", "-n", self.switch, "link", "set", f"p{host}{fabric}", "up"])

    def blackhole(self, host: int, network: str) -> None:
        """Let the switch forward nothing for a host, which sees a healthy carrier."""
        _run(["bridge", "-n", self.switch, "link", "set", "dev", f"p{host}{network}", "state", "0"])

    def heal(self, host: int, network: str) -> None:
        """End a blackhole."""
        _run(["bridge", "-n", self.switch, "link", "set", "dev", f"p{host}{network}", "state", "3"])

    @contextmanager
    def delay(self, fabric: str, delay_ms: float, *, jitter_ms: float = 0.0, loss: float = 0.0) -> Iterator[None]:
        """Add one-way delay to a fabric of all hosts; on the receiving side, so that senders are not throttled."""
        spaces = [self.space(i) for i in range(self.hosts)]
        words = [",".join(spaces), str(_DELAY_QUEUE), str(delay_ms), str(jitter_ms), str(loss)]
        line = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("delay_line.py")), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert line.stdout is not None
        assert line.stdin is not None
        try:
            assert line.stdout.readline() == "ready\n"
            # Without --queue-bypass a dead delay line would be a blackhole.
            queue = ["-j", "NFQUEUE", "--queue-num", str(_DELAY_QUEUE), "--queue-bypass"]
            for space in spaces:
                tables = ["ip", "netns", "exec", space, "iptables-legacy", "-t", "mangle"]
                _run([*tables, "-A", "PREROUTING", "-i", fabric, *queue])
            yield
        finally:
            for space in spaces:
                _run(["ip", "netns", "exec", space, "iptables-legacy", "-t", "mangle", "-F", "PREROUTING"])
            line.stdin.close()
            line.wait(10)
            line.stdout.close()


def _burst_bytes(rate: str) -> int:
    return max(int(bits_per_s(rate) / 8 * _TOKEN_S), _LEAST_BURST_BYTES)


def bits_per_s(rate: str) -> float:
    """Return tc's `100mbit` as a number."""
    match = re.fullmatch(r"([\d.]+)([kmg]bit)", rate)
    assert match is not None, rate
    return float(match[1]) * _UNITS[match[2]]


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def _batch(command: Sequence[str], lines: Sequence[str]) -> None:
    done = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


def wait_until(is_so: Callable[[], bool], limit_s: float = 30) -> None:
    """Return as soon as a condition holds."""
    deadline = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < deadline, f"it did not happen within {limit_s} s"
        time.sleep(0.05)
