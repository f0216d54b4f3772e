"""The names of fabrics, and what a suite may say about one of its own."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from commbench.errors import UsageError

INFINIBAND, ROCE, NVLINK, TCP, SHM = "infiniband", "roce", "nvlink", "tcp", "shm"
EFA, OMNIPATH = "efa", "omnipath"  # NICs with verbs that are neither InfiniBand nor RoCE; their drivers tell
KNOWN = (INFINIBAND, ROCE, NVLINK, TCP, SHM, EFA, OMNIPATH)
RDMA = (INFINIBAND, ROCE, EFA, OMNIPATH)
INSIDE_HOST = (NVLINK, SHM)

_ALIASES = {"ib": INFINIBAND, "ethernet": TCP, "socket": TCP, "opa": OMNIPATH}
_LIKE_A_KNOWN_ONE = 0.75  # difflib's ratio from which a name is taken for a typing mistake, not for a plugin's name
_SHORTEST = 4  # letters; shorter names are like everything: the plugin gIB is no mistyped ib


@dataclass(frozen=True, slots=True)
class Fabric:
    """A fabric as a suite asks for it.

    `name` labels rows; `kind` says what it is: one of KNOWN, or the name of an NCCL network plugin. `interface` is the
    network interface to use (empty = chosen), `variables` are added to the launch's environment and win over the
    preset's.
    """

    name: str
    kind: str
    interface: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


def canonical(name: str) -> str:
    """Return the name of a fabric without aliases; other names are those of network plugins, and stay as they are.

    Raises:
        UsageError: the name is empty, or so much like a known one that it must be a mistake.
    """
    own = name.strip()
    lower = own.lower()
    if lower in KNOWN or lower in _ALIASES:
        return _ALIASES.get(lower, lower)
    if not own:
        raise UsageError(f"a fabric needs a name: one of {', '.join(KNOWN)}, or that of an NCCL network plugin")
    names = [known for known in (*KNOWN, *_ALIASES) if len(known) >= _SHORTEST]
    if close := difflib.get_close_matches(lower, names, n=1, cutoff=_LIKE_A_KNOWN_ONE):
        raise UsageError(f"no fabric is named '{own}'; did you mean '{close[0]}'?")
    return own


def plain(name: str) -> str:
    """Return the name of a fabric without aliases; a suite's own name may be like a known one, and stays."""
    try:
        return canonical(name)
    except UsageError:
        return name


def fabric_of(name: str) -> Fabric:
    """Return the fabric that a bare name asks for.

    Raises:
        UsageError: as canonical().
    """
    kind = canonical(name)
    return Fabric(kind, kind)
