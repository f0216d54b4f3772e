"""What a point costs: memory of a rank exactly, time by the alpha-beta model with rough constants.

The estimate only has to tell seconds from hours before a run starts; nothing measured depends on it.
"""

from dataclasses import dataclass

from commbench.collectives import Collective
from commbench.collectives.base import Geometry
from commbench.model.plan import Protocol
from commbench.model.point import SIMULATED
from commbench.units import BYTES_PER_GB

US_PER_S = 1e6
SCRATCH_BYTES_PER_ELEMENT = 1  # verification compares into one boolean for each received element


@dataclass(frozen=True, slots=True)
class Speed:
    """Rough costs of a backend: of a message step, of a byte, of lining ranks up for a call, of a point."""

    alpha_us: float
    beta_gb_s: float
    call_us: float
    point_s: float
    verify_gb_s: float


SPEEDS = {
    # Loopback with twice as many ranks as cores: suites smoke and quick took 21 s and 169 s on 2 cores with 4 ranks.
    "gloo": Speed(alpha_us=60, beta_gb_s=0.5, call_us=2000, point_s=0.2, verify_gb_s=0.2),
    "nccl": Speed(alpha_us=10, beta_gb_s=50, call_us=50, point_s=0.1, verify_gb_s=20),
    SIMULATED: Speed(alpha_us=0, beta_gb_s=1e6, call_us=1, point_s=0.001, verify_gb_s=1e6),
}

_TYPICAL_VISITS = 18
_VISIT_S, _FEWEST_CALLS = 0.020, 8  # as measure/perform.py sizes visits


def memory_bytes(collective: Collective, geometry: Geometry, *, in_place: bool) -> int:
    """Return the bytes that the most loaded rank allocates for its buffers and their verification."""
    # All ranks of an even collective hold the same.
    ranks = range(geometry.world_size) if collective.is_uneven else (0,)
    return max(
        collective.memory_bytes(geometry, rank, in_place=in_place)
        + collective.buffer_counts(geometry, rank)[1] * SCRATCH_BYTES_PER_ELEMENT
        for rank in ranks
    )


def call_s(collective: Collective, geometry: Geometry, backend: str) -> float:
    """Return the estimated seconds of one call, with lining up the ranks before it."""
    speed = SPEEDS[backend]
    world_size = geometry.world_size
    latency_us = collective.steps(world_size) * speed.alpha_us + speed.call_us
    moved_bytes = collective.bandwidth_bytes(geometry) * collective.bus_factor(world_size)
    return latency_us / US_PER_S + moved_bytes / (speed.beta_gb_s * BYTES_PER_GB)


def point_s(collective: Collective, geometry: Geometry, backend: str, protocol: Protocol) -> float:
    """Return the estimated seconds of a point with warm-up and verification, at most the point's time limit."""
    speed = SPEEDS[backend]
    one_call_s = call_s(collective, geometry, backend)
    calls = protocol.warmup_iterations + _timed_calls(one_call_s, protocol)
    verify_s = 0.0
    if protocol.verify:
        calls += 1
        verify_s = collective.bandwidth_bytes(geometry) / (speed.verify_gb_s * BYTES_PER_GB)
    return min(speed.point_s + calls * one_call_s + verify_s, protocol.point_limit_s)


def _timed_calls(one_call_s: float, protocol: Protocol) -> float:
    rule = protocol.stopping
    if rule.rule == "adaptive":
        # A guess at the middle of what was seen: 18 visits of 20 ms, or of 8 calls where these are slow.
        typical = _TYPICAL_VISITS * max(_VISIT_S / one_call_s, _FEWEST_CALLS)
        return min(typical, rule.budget_s / one_call_s + 1)
    within_budget = rule.budget_s / one_call_s
    return rule.iterations or min(max(within_budget, rule.min_iterations), rule.max_iterations)
