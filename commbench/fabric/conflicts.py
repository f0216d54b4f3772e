"""Settings that are there already and work against a selection: in the environment, and in NCCL's conf files."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

# Variables that decide which fabric carries the bytes; whatever else is set steers algorithms, not fabrics.
STEERING = re.compile(
    r"^(NCCL_(NET|NET_PLUGIN|IB_DISABLE|IB_HCA|IB_GID_INDEX|IB_ADDR_\w+|IB_ROCE_\w+|IB_MERGE_NICS|SOCKET_IFNAME|"
    r"SOCKET_FAMILY|P2P_\w+|SHM_DISABLE|NVLS_ENABLE|MNNVL_ENABLE|CROSS_NIC|NETDEVS_POLICY|HOSTID|"
    r"IGNORE_NET_MISMATCH)|GLOO_SOCKET_IFNAME|GLOO_DEVICE_TRANSPORT)$"
)
_ENVIRONMENT = "the environment"


@dataclass(frozen=True, slots=True)
class Conflict:
    """One setting that was there; `ours` is None where the selection leaves the variable alone, so that it stays."""

    name: str
    there: str
    source: str
    ours: str | None

    def __str__(self) -> str:
        """Return a sentence with what it means."""
        stands = f"{self.name}={self.there} in {self.source}"
        if self.ours is None:
            return f"{stands} stays in force and may choose another fabric"
        return f"{stands} is overridden with {self.ours}"


def conflicts(
    variables: Mapping[str, str], environ: Mapping[str, str], conf_texts: Mapping[str, str] | None = None
) -> tuple[Conflict, ...]:
    """Return what steers the choice of fabrics and is not what the selection says.

    `conf_texts` holds the text of each NCCL conf file by path; NCCL lets the environment win over them.
    """
    found = [
        Conflict(name, value, _ENVIRONMENT, variables.get(name))
        for name, value in sorted(environ.items())
        if STEERING.match(name) and variables.get(name) != value
    ]
    for path, text in (conf_texts or {}).items():
        found += [
            Conflict(name, value, path, variables.get(name) or environ.get(name))
            for name, value in conf_settings(text).items()
            if STEERING.match(name) and value not in {variables.get(name), environ.get(name)}
        ]
    return tuple(found)


def conf_settings(text: str) -> dict[str, str]:
    """Return the settings of a conf file's text: NAME=value a line, # begins a comment."""
    pairs = [line.partition("#")[0].partition("=") for line in text.splitlines()]
    return {name.strip(): value.strip() for name, equals, value in pairs if equals and name.strip()}
