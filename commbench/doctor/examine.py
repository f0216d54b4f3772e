"""All checks, in the order in which they are reported."""

from collections.abc import Sequence

from commbench.doctor.cores import ClockSource, Cores, Quota, Smt
from commbench.doctor.counts import Flaps, LinkCounters
from commbench.doctor.ethernet import Mtu, Priorities
from commbench.doctor.finding import Check, Finding, Level
from commbench.doctor.frequency import Governor, Throttling
from commbench.doctor.gpus import Ecc, GpuTenants, GpuThrottling, Persistence
from commbench.doctor.host import Host
from commbench.doctor.links import LinkLayers, LinkRates, LinkStates, RdmaDevices, RoceAddresses, SubnetManager
from commbench.doctor.memory import HugePages, LockedMemory, SharedMemory, Swap
from commbench.doctor.nccl_copies import NcclCopies
from commbench.doctor.near_gpu import Acs, GpuDirect, PcieLinks, Rails
from commbench.doctor.nvlinks import NvlinkFabric, NvlinkLinks
from commbench.doctor.software import Libraries, Variables
from commbench.doctor.tenants import Steal, Tenants

CHECKS: tuple[Check, ...] = (
    Tenants(),
    Steal(),
    Cores(),
    Smt(),
    Quota(),
    Governor(),
    Throttling(),
    ClockSource(),
    LockedMemory(),
    SharedMemory(),
    Swap(),
    HugePages(),
    Libraries(),
    Variables(),
    Persistence(),
    GpuThrottling(),
    Ecc(),
    GpuTenants(),
    NcclCopies(),
)

# What the interconnect alone says: these also work on a tree of another machine.
FABRIC_CHECKS: tuple[Check, ...] = (
    RdmaDevices(),
    LinkStates(),
    LinkRates(),
    LinkLayers(),
    SubnetManager(),
    RoceAddresses(),
    Mtu(),
    Priorities(),
    LinkCounters(),
    Flaps(),
    PcieLinks(),
    Rails(),
    GpuDirect(),
    Acs(),
    NvlinkLinks(),
    NvlinkFabric(),
)

_BADNESS = (Level.SKIP, Level.OK, Level.WARN, Level.FAIL)


def examine(host: Host, checks: Sequence[Check] = CHECKS + FABRIC_CHECKS) -> tuple[Finding, ...]:
    """Return what every check that applies here found."""
    return tuple(finding for check in checks if (finding := check.look(host)) is not None)


def worst(findings: Sequence[Finding]) -> Level:
    """Return the worst level among findings."""
    return max((finding.level for finding in findings), key=_BADNESS.index, default=Level.OK)
