"""How single counters count: which wrap, which stop at their largest value, and which mean trouble."""

from enum import Enum, auto

_WRAP = 2**32

# InfiniBand's PMA counters stop at their largest value. Source: InfiniBand specification, PortCounters; the kernel's
# drivers/infiniband/core/sysfs.c has the widths.
_SATURATES_AT = {
    "symbol_error": 2**16 - 1,
    "link_error_recovery": 2**8 - 1,
    "link_downed": 2**8 - 1,
    "port_rcv_errors": 2**16 - 1,
    "port_rcv_remote_physical_errors": 2**16 - 1,
    "port_rcv_switch_relay_errors": 2**16 - 1,
    "port_xmit_discards": 2**16 - 1,
    "port_xmit_constraint_errors": 2**8 - 1,
    "port_rcv_constraint_errors": 2**8 - 1,
    "local_link_integrity_errors": 2**4 - 1,
    "excessive_buffer_overrun_errors": 2**4 - 1,
    "VL15_dropped": 2**16 - 1,
}
# 64-bit in hw_counters; the queue counters beside them have 32 bits and wrap. Source: mlx5's counters.c.
_WIDE_PREFIXES = ("np_", "rp_", "rx_icrc", "roce_adp", "roce_slow", "port_", "multicast_", "unicast_")
_NOT_COUNTERS = {"lifespan"}  # how long the driver keeps values before it reads them again, in ms

PHYSICAL = (
    "link_downed",
    "link_error_recovery",
    "symbol_error",
    "port_rcv_errors",
    "local_link_integrity_errors",
    "excessive_buffer_overrun_errors",
    "rx_icrc_encapsulated",
)
LOSS = (
    "out_of_sequence",
    "packet_seq_err",
    "implied_nak_seq_err",
    "local_ack_timeout_err",
    "duplicate_request",
    "rnr_nak_retry_err",
    "out_of_buffer",
    "roce_adp_retrans",
    "roce_adp_retrans_to",
    "roce_slow_restart",
    "req_transport_retries_exceeded",
    "req_rnr_retries_exceeded",
    "port_xmit_discards",
    "rx_errors",
    "rx_dropped",
    "tx_errors",
    "tx_dropped",
)
# Congestion: ECN marks and their answers on RoCE (bnxt_re has names of its own), waiting for credit on InfiniBand.
CONGESTION = (
    "np_ecn_marked_roce_packets",
    "np_cnp_sent",
    "rp_cnp_handled",
    "rp_cnp_ignored",
    "rx_cnp_pkts",
    "tx_cnp_pkts",
    "rx_ecn_marked_pkts",
    "port_xmit_wait",
)
NOTABLE_ERRORS = frozenset(PHYSICAL + LOSS + CONGESTION)


class Rule(Enum):
    """How a counter behaves at its end."""

    WIDE = auto()  # 64 bits: it has no end
    WRAPS = auto()
    SATURATES = auto()
    NOT_A_COUNTER = auto()


def rule_of(name: str) -> Rule:
    """Return how the counter of that name behaves."""
    if name in _NOT_COUNTERS:
        return Rule.NOT_A_COUNTER
    if name in _SATURATES_AT:
        return Rule.SATURATES
    wide = name.startswith(_WIDE_PREFIXES) or name.endswith(("_errors", "_dropped"))
    return Rule.WIDE if wide else Rule.WRAPS


def difference(name: str, before: int, after: int) -> int:
    """Return how much a counter grew, at least.

    A counter that stands at its largest value grew by at least the difference; one that fell was reset by somebody
    and has counted what it shows since, unless it has 32 bits and wrapped.
    """
    if after >= before:
        return after - before
    if rule_of(name) is Rule.WRAPS and before < _WRAP:
        return after - before + _WRAP
    return after


def is_saturated(name: str, value: int) -> bool:
    """Tell whether a counter has stopped at its largest value and says no more than `at least`."""
    return _SATURATES_AT.get(name) == value
