"""All checks, in the order in which they are reported."""

from collections.abc import Sequence

from commbench.doctor.cores import ClockSource, Cores, Quota, Smt
from commbench.doctor.finding import Check, Finding, Level
from commbench.doctor.frequency import Governor, Throttling
from commbench.doctor.gpus import Ecc, GpuTenants, GpuThrottling, Persistence
from commbench.doctor.host import Host
from commbench.doctor.memory import HugePages, LockedMemory, SharedMemory, Swap
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
)

_BADNESS = (Level.OK, Level.WARN, Level.FAIL)


def examine(host: Host, checks: Sequence[Check] = CHECKS) -> tuple[Finding, ...]:
    """Return what every check that applies here found."""
    return tuple(finding for check in checks if (finding := check.look(host)) is not None)


def worst(findings: Sequence[Finding]) -> Level:
    """Return the worst level among findings."""
    return max((finding.level for finding in findings), key=_BADNESS.index, default=Level.OK)
