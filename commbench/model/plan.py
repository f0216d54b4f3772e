"""A plan: the points of one run in their order, and how each is measured."""

from dataclasses import dataclass, field

from commbench.model.gradients import GradientSet
from commbench.model.point import Point


@dataclass(frozen=True, slots=True)
class Stopping:
    """When a point has been measured enough.

    `rule` names the rule (`fixed`, `budget` or `adaptive`); the other fields are its parameters, unused ones at
    zero. `epsilon` is the relative half-width that the interval of the p50 must reach, `min_span_s` the least wall
    time from the first visit to the last.
    """

    rule: str
    iterations: int = 0
    min_iterations: int = 0
    max_iterations: int = 0
    budget_s: float = 0.0
    epsilon: float = 0.0
    max_visits: int = 0
    min_span_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Protocol:
    """How every point of a plan is measured.

    `warmup` is `fixed` (exactly `warmup_iterations` calls) or `steady` (until steady, at most that many);
    `visit_iterations` of 0 lets every point's first calls decide how long a visit is; `schedule` is `sequential`
    (a point to its end, then the next) or `interleaved` (rounds over all points in random order); `verify_share` is
    the share of timed calls whose result is checked; `clock_sync` is `auto`, `always` or `never`. With a
    `decide_share` above 0 the plan holds the most blocks there may be: `launches` of them are measured, and more until
    the fabrics' comparison is decided against that margin.
    """

    stopping: Stopping
    warmup_iterations: int
    visit_iterations: int
    point_limit_s: float
    verify: bool = True
    warmup: str = "fixed"
    schedule: str = "sequential"
    launches: int = 1
    verify_share: float = 0.0
    clock_sync: str = "auto"
    decide_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Truth:
    """What the simulated backend obeys: the alpha-beta model and its noise, all of it known.

    A call takes `alpha_us` x steps + bytes on the slowest link / `beta_gb_s`, times a factor of the law `noise`
    (lognormal, bimodal, tail, drift or visits) with the spread `noise_sigma`; each rank arrives late by an exponential
    of mean `arrival_us`.
    """

    alpha_us: float = 5.0
    beta_gb_s: float = 10.0
    noise_sigma: float = 0.02
    arrival_us: float = 0.5
    noise: str = "lognormal"
    launch_sigma: float = 0.0  # sigma of the lognormal factor that all calls of a launch share
    wrong_every: int = 0  # every n-th point is given a wrong result, to see that it is caught; 0 = never


@dataclass(frozen=True, slots=True)
class FabricChoice:
    """A fabric that the suite names: what it is, and how a launch gets it on every host.

    `kind` is one of commbench.fabric.names.KNOWN or the name of an NCCL network plugin. `interface` is the network
    interface to use, empty to choose one; `variables` are (name, value) pairs that win over what is chosen for the
    kind. `link_rate_gbit_s` of 0 is what the links say of themselves. `time_factor` is for the simulated backend.
    """

    name: str
    kind: str
    interface: str = ""
    variables: tuple[tuple[str, ...], ...] = ()
    link_rate_gbit_s: float = 0.0
    time_factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """All points of one run, in the order in which they are measured.

    `ranks_per_node` is the same on every node, 0 when all ranks are on one.
    """

    suite: str
    suite_hash: str
    suite_text: str
    backend: str
    world_size: int
    seed: int
    protocol: Protocol
    points: tuple[Point, ...]
    truth: Truth = field(default_factory=Truth)
    ranks_per_node: int = 0
    fabrics: tuple[FabricChoice, ...] = ()
    gradients: tuple[GradientSet, ...] = ()  # those that points name

    @property
    def nodes(self) -> int:
        """Return on how many nodes the ranks are."""
        return -(-self.world_size // self.ranks_per_node) if self.ranks_per_node else 1

    def fabric(self, name: str) -> FabricChoice | None:
        """Return the fabric of that name; None when it stands for whatever the backend takes by itself."""
        return next((choice for choice in self.fabrics if choice.name == name), None)

    @property
    def estimate_s(self) -> float:
        """Return the estimated wall time of all points that are not skipped."""
        return sum(point.estimate_s for point in self.points if not point.skip_reason)
