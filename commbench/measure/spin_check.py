"""Whether this process owns its core: the condition for windows, in which ranks spin until an agreed time.

On a shared core a spinning rank takes the CPU from those it waits for, and is itself stopped for milliseconds:
design 2.2 and 3.2 (median latency 3112 us with windows, 243 us with barriers, on a loaded host).
"""

import time

from commbench.units import NS_PER_S

_GAP_NS = 20_000  # an interrupt is over sooner; a time slice of somebody else is not
_LOST_SHARE = 0.001


def owns_its_core(seconds: float = 0.05) -> bool:
    """Spin for that long and return whether less than 0.1 % of the time went by in gaps of more than 20 us."""
    return lost_share(seconds) < _LOST_SHARE


def lost_share(seconds: float) -> float:
    """Spin for that long and return the share of the time in which this process was not running, gaps over 20 us."""
    stamp = time.perf_counter_ns
    start_ns = last_ns = stamp()
    end_ns, lost_ns = start_ns + round(seconds * NS_PER_S), 0
    while last_ns < end_ns:
        now_ns = stamp()
        if now_ns - last_ns > _GAP_NS:
            lost_ns += now_ns - last_ns
        last_ns = now_ns
    return lost_ns / (last_ns - start_ns)
