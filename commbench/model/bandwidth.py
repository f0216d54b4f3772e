"""Bandwidth as nccl-tests defines it: algbw from the time, busbw corrected for the algorithm."""

from commbench.units import BYTES_PER_GB, NS_PER_S


def algbw_gb_s(bandwidth_bytes: int, time_ns: float) -> float:
    """Return bytes over time in GB/s of 10^9 bytes; `bandwidth_bytes` is the collective's own notion of size.

    Source: the GetBw functions of nccl-tests v2.19.6 src/*.cu.
    """
    return bandwidth_bytes / BYTES_PER_GB / (time_ns / NS_PER_S)


def busbw_gb_s(bandwidth_bytes: int, time_ns: float, bus_factor: float) -> float:
    """Return algbw times the collective's bus factor: comparable with the hardware's peak at any rank count."""
    return algbw_gb_s(bandwidth_bytes, time_ns) * bus_factor
