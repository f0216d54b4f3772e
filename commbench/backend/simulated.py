"""A cluster whose truth is known: an alpha-beta fabric with seeded noise, all ranks in one process, no real time.

It exists so that the command line, the store and the statistics can be tested against known answers. It measures
nothing, and everything it touches says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from commbench.backend.base import Backend, BoundPoint, Group
from commbench.backend.noise_laws import NoiseLaw, launch_factor
from commbench.collectives import get
from commbench.collectives.of_point import geometry_of
from commbench.model.environment import HostFacts
from commbench.model.plan import Plan, Truth
from commbench.model.point import Point
from commbench.model.result import Correctness, Samples
from commbench.units import BYTES_PER_GB, NS_PER_S, NS_PER_US

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PLANTED = Correctness(wrong_count=1, rank=0, index=0, expected=1.0, got=0.0)


class VirtualClock:
    """Time that passes only when the simulated fabric says so; read on rank 0, as rank 0 would."""

    name = "virtual"
    resolution_ns = 1.0
    is_comparable = True

    def __init__(self, world_size: int) -> None:
        self.now_ns = np.zeros(world_size, dtype=np.int64)

    @property
    def stamp(self) -> Callable[[], int]:
        return lambda: int(self.now_ns[0])

    def resolve(self, stamps: Sequence[int]) -> "NDArray[np.int64]":
        return np.array(stamps, dtype=np.int64)


class SimulatedBackend(Backend):
    """All ranks of a launch, played by one process."""

    def __init__(self, plan: Plan) -> None:
        self.rank, self.world_size = 0, plan.world_size
        self._virtual = VirtualClock(plan.world_size)
        self.clock = self._virtual
        self._plan = plan
        self._groups: dict[int, SimulatedGroup] = {}

    def group(self, ranks: tuple[int, ...]) -> Group | None:
        count = len(ranks)  # one simulated rank is like another
        if count not in self._groups:
            self._groups[count] = SimulatedGroup(count, self._plan, self._virtual)
        return self._groups[count]

    def complete_facts(self, facts: HostFacts) -> HostFacts:
        return replace(facts, ranks=tuple(range(self.world_size)))

    def gather_texts(self, text: str) -> Sequence[str]:
        return [text]

    def gather_facts(self, facts: HostFacts) -> Sequence[HostFacts]:
        return [facts] * self.world_size

    def close(self) -> None:
        """Nothing is open."""


class SimulatedGroup(Group):
    """Ranks whose stamps are all kept here until they are gathered."""

    def __init__(self, world_size: int, plan: Plan, clock: VirtualClock) -> None:
        self.rank, self.world_size = 0, world_size
        self._plan = plan
        self._now_ns = clock.now_ns[:world_size]  # a view: time is the launch's
        self._enter: dict[int, NDArray[np.int64]] = {}  # by when all ranks left, which they do together

    def bind(self, point: Point) -> BoundPoint:
        return SimulatedPoint(point, self._plan, self)

    def barrier(self) -> None:
        self._now_ns.fill(np.maximum.reduce(self._now_ns))

    def step(self, arrival_ns: "NDArray[np.int64]", latency_ns: int) -> None:
        """Let all ranks arrive, and leave together `latency_ns` after the last."""
        self._now_ns += arrival_ns
        leave_ns = int(np.maximum.reduce(self._now_ns)) + latency_ns
        self._enter[leave_ns] = self._now_ns.copy()
        self._now_ns.fill(leave_ns)

    def gather_samples(self, samples: Samples) -> Samples | None:
        """Return all ranks' stamps of the calls that rank 0 brings; those of other points' visits stay here.

        So do those of calls that nobody times, some hundred bytes each, until the launch is over.
        """
        enter = np.array([self._enter.pop(leave_ns) for leave_ns in samples.exit_ns[0].tolist()], dtype=np.int64).T
        leave = np.tile(samples.exit_ns[0], (self.world_size, 1))
        return Samples(enter_ns=enter, exit_ns=leave, wait_ns=np.zeros_like(enter))

    def gather_correctness(self, verdict: Correctness) -> Correctness:
        return verdict

    def gather_texts(self, text: str) -> Sequence[str]:
        return [text]

    def share(self, number: int) -> int:
        return number

    def largest(self, number: int) -> int:
        return number


class SimulatedPoint(BoundPoint):
    """A point whose calls take what the alpha-beta model says, times the noise of the plan's law."""

    def __init__(self, point: Point, plan: Plan, group: SimulatedGroup) -> None:
        self._truth, self._group = plan.truth, group
        self._generator = np.random.default_rng([plan.seed, point.point_id])
        self._noise = NoiseLaw(plan.truth, self._generator)
        fabric = plan.fabric(point.fabric)
        factor = launch_factor(plan, point.launch_index) * (fabric.time_factor if fabric else 1.0)
        self._model_ns = true_time_ns(point, plan.truth) * factor
        self._is_planted = bool(plan.truth.wrong_every) and (point.point_id + 1) % plan.truth.wrong_every == 0
        self.call = self._step

    def begin_visit(self) -> None:
        self._noise.next_visit()

    def prepare(self, salt: int) -> None:
        """There is no data."""

    def check(self, salt: int) -> Correctness:  # noqa: ARG002 - there is no data
        return _PLANTED if self._is_planted else Correctness()

    def _step(self) -> None:
        late = self._generator.exponential(self._truth.arrival_us * NS_PER_US, self._group.world_size)
        self._group.step(late.astype(np.int64), round(self._model_ns * self._noise.factor()))


def true_time_ns(point: Point, truth: Truth) -> float:
    """Return the noiseless time of a call after the last arrival: steps x alpha + bytes on the slowest link / beta."""
    collective = get(point.collective)
    wire_bytes = collective.bandwidth_bytes(geometry_of(point)) * collective.bus_factor(point.world_size)
    latency_ns = collective.steps(point.world_size) * truth.alpha_us * NS_PER_US
    return latency_ns + wire_bytes / (truth.beta_gb_s * BYTES_PER_GB) * NS_PER_S
