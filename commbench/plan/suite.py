"""The shape of a suite file: the tables, keys, types and limits; `suites/schema.json` is made from it.

Rules that span several keys are in `commbench.plan.checks`, so that they are reported beside mistakes in single keys.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from commbench.collectives import COLLECTIVES
from commbench.model.dtype import ALL_DTYPES, REDOPS
from commbench.model.gradients import DDP_25MIB
from commbench.model.placement import FIRST, PLACEMENTS
from commbench.model.plan import Truth
from commbench.model.point import GRAPH_LAUNCH, HOST_LAUNCH, SIMULATED
from commbench.plan.entries import GradientEntry, OneOf, Percentage, SizeEntry
from commbench.statistics.pairs_needed import FEWEST_PAIRS

AUTO = "auto"
BACKENDS = ("gloo", "nccl", SIMULATED)
MAX_RANKS = 16_384  # planning walks over all ranks of uneven collectives; larger worlds would take minutes to plan
MAX_CALLS = 1_000_000  # every call of every rank is kept: more would fill memory, not narrow an interval
PURPOSES = ("adhoc", "nightly", "comparison")
FIXED, BUDGET, ADAPTIVE = "fixed", "budget", "adaptive"
MAX_LAUNCHES = 100  # each takes seconds to start
DEFAULT_MAX_LAUNCHES = 30  # 3 % is then decided up to a spread of 5 % between launches (design 2.7)

_TRUTH = Truth()

RankCount = Annotated[int, Field(strict=True, ge=1, le=MAX_RANKS)]
Whole = Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)]
WarmupCalls = Annotated[int, Field(strict=True, ge=0, le=MAX_CALLS)]
Calls = Annotated[int, Field(strict=True, ge=1, le=MAX_CALLS)]
PositiveNumber = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(strict=True, gt=0, lt=1)]
ZeroOrShare = Annotated[float, Field(strict=True, ge=0, le=0.5)]
# Also an NCCL plugin's own name, such as "AWS Libfabric".
FabricName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9 _-]*$")]
VariableName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
NotNegative = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]


class Table(BaseModel):
    """A table of a suite file: unknown keys are mistakes, and nothing changes after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class About(Table):
    """The table [suite]."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", description="What `commbench run NAME` calls it.")
    description: str = ""
    purpose: Annotated[str, OneOf(PURPOSES)] = PURPOSES[0]
    cluster: str = Field(default="", description="Where it is measured; results of different clusters are never mixed.")
    seed: Whole = Field(default=1, description="Seed of the test data and of the simulated noise.")


class Sweep(Table):
    """The table [sweep]: the plan is the product of these lists. A list that is absent is empty here."""

    collectives: tuple[Annotated[str, OneOf(tuple(COLLECTIVES))], ...] = Field(min_length=1)
    sizes: tuple[Annotated[tuple[int, ...], SizeEntry()], ...] = Field(
        default_factory=tuple,
        min_length=1,
        description="Bytes, in the meaning of nccl-tests' column size: 64KiB, 8..64MiB x4, 4096. "
        "Not of bucketed collectives, whose size is that of their gradients.",
    )
    gradients: tuple[Annotated[str, GradientEntry()], ...] = Field(
        default=(DDP_25MIB,),
        min_length=1,
        description="Only for bucketed collectives: sets of gradients, or files of shapes beside the suite.",
    )
    ranks: tuple[RankCount, ...] = Field(
        default_factory=tuple, min_length=1, description="Absent: powers of two up to --ranks."
    )
    nodes: tuple[RankCount, ...] = Field(
        default_factory=tuple, min_length=1, description="Instead of ranks: so many whole hosts with all their ranks."
    )
    placement: tuple[Annotated[str, OneOf(PLACEMENTS)], ...] = Field(
        default=(FIRST,), min_length=1, description="Which hosts of the allocation, where nodes asks for fewer."
    )
    fabrics: tuple[FabricName, ...] = Field(
        default_factory=tuple,
        min_length=1,
        description="Networks to measure in turn: infiniband, roce, nvlink, tcp, shm, or one of the tables [fabrics].",
    )
    backend: Annotated[str, OneOf((AUTO, *BACKENDS))] = Field(
        default=AUTO, description="auto is nccl where there is a CUDA GPU for every rank, else gloo."
    )
    dtypes: tuple[Annotated[str, OneOf(tuple(ALL_DTYPES))], ...] = Field(
        default=("float32",),
        min_length=1,
        description="Of a bucketed collective: what travels; float8_e4m3fn only there.",
    )
    redops: tuple[Annotated[str, OneOf(REDOPS)], ...] = Field(
        default=("sum",), min_length=1, description="Only for collectives that reduce."
    )
    in_place: tuple[StrictBool, ...] = Field(
        default_factory=tuple, min_length=1, description="Absent: what is natural for each collective."
    )
    traffic_skew: tuple[NotNegative, ...] = Field(
        default=(1.0,),
        min_length=1,
        description="Only for all_to_all_v: 0 is even, 1 gives rank 0 twice what rank 1 gets.",
    )
    cadence: tuple[Annotated[str, OneOf(("isolated", "streaming"))], ...] = Field(default=("isolated",), min_length=1)
    launch: tuple[Annotated[str, OneOf((HOST_LAUNCH, GRAPH_LAUNCH))], ...] = Field(
        default=(HOST_LAUNCH,), min_length=1, description="graph: replayed from a CUDA graph; only with nccl."
    )
    shared_gpu: StrictBool = Field(
        default=False,
        description="Only with nccl: ranks may share a GPU and talk through the network; to see it work, not to time.",
    )

    @property
    def sizes_bytes(self) -> tuple[int, ...]:
        """Return every size once, ascending."""
        return tuple(sorted({size for entry in self.sizes for size in entry}))


class Measure(Table):
    """The table [measure]: how every point is measured."""

    stopping: Annotated[str, OneOf((FIXED, BUDGET, ADAPTIVE))] = FIXED
    iterations: Calls = Field(default=50, description="Timed calls of each point, with stopping = 'fixed'.")
    budget_s: PositiveNumber = Field(
        default=0.5,
        description="With stopping = 'budget': time to spend on timed calls. "
        "With 'adaptive': the most to spend on them, 20 when absent.",
    )
    min_iterations: Calls = Field(default=20, description="With stopping = 'budget'.")
    max_iterations: Calls = Field(default=1000, description="With stopping = 'budget'.")
    epsilon: Share = Field(
        default=0.02, description="With stopping = 'adaptive': relative half-width that the p50's interval must reach."
    )
    max_visits: Annotated[int, Field(strict=True, ge=8, le=MAX_CALLS)] = Field(
        default=90, description="With stopping = 'adaptive': give up after so many visits."
    )
    min_span_s: NotNegative = Field(
        default=0.0, description="With stopping = 'adaptive': least wall time from first to last visit."
    )
    warmup: Annotated[str, OneOf(("fixed", "steady"))] = Field(
        default="fixed", description="fixed: exactly warmup_iterations calls. steady: until steady, at most so many."
    )
    warmup_iterations: WarmupCalls = 5
    visit_iterations: WarmupCalls = Field(
        default=20, description="Calls of a visit; the stopping rule looks between visits. 0: about 20 ms worth."
    )
    schedule: Annotated[str, OneOf(("sequential", "interleaved"))] = Field(
        default="sequential", description="interleaved: rounds over all points in random order, so that drift is fair."
    )
    launches: Annotated[int, Field(strict=True, ge=1, le=MAX_LAUNCHES)] = Field(
        default=1,
        description="Repetitions with processes and connections of their own; three for a claim. "
        "With several fabrics each repetition is a block that holds one launch of each.",
    )
    decide: Annotated[str, Percentage()] = Field(
        default="",
        description="Margin such as 3%: more blocks than launches are measured until each comparison of the first "
        "fabric with another one is decided.",
    )
    max_launches: Annotated[int, Field(strict=True, ge=FEWEST_PAIRS, le=MAX_LAUNCHES)] = Field(
        default=DEFAULT_MAX_LAUNCHES, description="Only with decide: the most blocks, decided or not."
    )
    point_limit_s: PositiveNumber = Field(
        default=60.0, description="A point (interleaved: one turn of it) that takes longer is given up."
    )
    verify: StrictBool = Field(default=True, description="Check every element of a call before and after timing.")
    verify_share: ZeroOrShare = Field(
        default=0.05, description="Share of the timed calls whose result is checked, with cadence = 'isolated'."
    )
    clock_sync: Annotated[str, OneOf(("auto", "always", "never"))] = Field(
        default="auto", description="auto: compare the ranks' clocks where they are not the same clock."
    )


class FabricTable(Table):
    """A table [fabrics.NAME]: a fabric of one's own, or settings for a known one."""

    kind: str = Field(
        default="",
        description="infiniband, roce, nvlink, tcp, shm, or the name of an NCCL network plugin. Absent: the NAME.",
    )
    interface: str = Field(default="", description="Network interface, such as eth1; absent: chosen.")
    variables: dict[VariableName, str] = Field(
        default_factory=dict, description="Environment variables of the ranks; they win over what commbench would set."
    )
    link_rate_gbit_s: PositiveNumber | None = Field(default=None, description="Line rate, where the links say none.")
    time_factor: PositiveNumber = Field(default=1.0, description="Only with backend = 'simulated': of every call.")


class Simulated(Table):
    """The table [simulated]: what the simulated backend obeys; the fields of model.plan.Truth."""

    alpha_us: NotNegative = Field(default=_TRUTH.alpha_us, description="Time of a step.")
    beta_gb_s: PositiveNumber = Field(default=_TRUTH.beta_gb_s, description="Bandwidth of the slowest link.")
    noise: Annotated[str, OneOf(("lognormal", "bimodal", "tail", "drift", "visits"))] = Field(
        default=_TRUTH.noise, description="Law of the factor on each call's time."
    )
    noise_sigma: NotNegative = Field(
        default=_TRUTH.noise_sigma, description="Sigma of the lognormal part of that factor."
    )
    arrival_us: NotNegative = Field(default=_TRUTH.arrival_us, description="Mean lateness of a rank.")
    launch_sigma: NotNegative = Field(
        default=_TRUTH.launch_sigma, description="Sigma of the lognormal factor that all calls of a launch share."
    )
    wrong_every: Whole = Field(
        default=_TRUTH.wrong_every, description="Every n-th point is given a wrong result; 0 is never."
    )


class Suite(Table):
    """A suite file of commbench: what is swept, and how it is measured."""

    about: About = Field(alias="suite")
    sweep: Sweep
    measure: Measure = Field(default_factory=Measure)
    fabrics: dict[FabricName, FabricTable] = Field(default_factory=dict)
    simulated: Simulated = Field(default_factory=Simulated, description="Only with backend = 'simulated'.")
