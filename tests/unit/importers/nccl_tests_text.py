"""What nccl-tests prints, as its C code formats it: for eras, prefixes and tears of the test's choice."""

from collections.abc import Sequence
from dataclasses import dataclass

OLD, MIDDLE, NEW = "up to 2.11", "2.13 to 2.17.2", "from 2.17.3"
ERAS = (OLD, MIDDLE, NEW)
PREFIXES = (
    "",
    "0: ",  # srun -l
    "[1,0]<stdout>:",  # Open MPI
    "[1,0]<stdout>: ",
    "(Worker pid=660, ip=10.0.0.1) ",  # Ray
    "12: [1,3]<stdout>:",
    "[0] ",  # MPICH -l
    "[rank0]: ",  # torchrun
    "2026-07-09T10:11:12.123456Z ",  # containers
    "[pod/nccl-test-0/worker] ",  # kubectl logs --prefix
    "node-1  | ",  # docker compose
)
NOISE = "node-1:4711:4712 [0] NCCL INFO Channel 00/0 : 0[0] -> 1[0] [send] via NET/IB/0"
COLUMNS = {  # of the eras up to 2.11, where each program has its own
    "all_reduce": ("type", "redop"),
    "all_gather": ("type",),
    "alltoall": ("type", "redop"),
    "broadcast": ("type", "root"),
    "reduce": ("type", "redop", "root"),
}


@dataclass(frozen=True)
class Half:
    """One half of a row; `wrong` None is N/A; `per_call` is min, max, p99 and cv of -I."""

    time_us: float
    algbw: float
    busbw: float
    wrong: int | None
    per_call: tuple[float, float, float, float] = (1.0, 2.0, 1.5, 3.0)


@dataclass(frozen=True)
class Row:
    size: int
    count: int
    nccl_type: str
    redop: str
    root: int
    out_of_place: Half
    in_place: Half


@dataclass(frozen=True)
class Log:
    """A run: its era, its rows, and how it ends; `footer` None leaves it out."""

    rows: Sequence[Row]
    era: str = NEW
    program: str = "all_reduce"
    ranks: int = 2
    hosts: int = 1
    footer: int | None = 0
    per_call: bool = False
    timestamp: str = ""
    parameters: str = "minBytes 8 maxBytes 1048576 step: 2(factor) warmup iters: 5 iters: 20"

    def cells(self, half: Half) -> list[str]:
        """Return the cells of a half as they are printed."""
        bandwidths = [self._bandwidth(value) for value in (half.algbw, half.busbw)]
        if self.era == OLD:
            wrong = "N/A" if half.wrong is None else f"{float(half.wrong):.0e}"
        else:
            wrong = "N/A" if half.wrong is None else f"{float(half.wrong):g}"
        extra = [float_text(value, 7) for value in half.per_call] if self.per_call else []
        return [self._time(half.time_us), *bandwidths, wrong, *extra]

    def _time(self, time_us: float) -> str:
        if self.era == NEW:
            return float_text(time_us, 7)
        return f"{time_us:7.{0 if time_us >= 1e4 else 1 if time_us >= 1e2 else 2}f}"

    def _bandwidth(self, value: float) -> str:
        return float_text(value, 6) if self.era == NEW else f"{value:6.2f}"

    def row_text(self, row: Row, join: str = "") -> str:
        """Return a row in the three pieces that it is printed in, joined by what comes between them."""
        start = f"{row.size:12d}  {row.count:12d}  {row.nccl_type:>8}"
        if self.era != OLD:
            start += f"  {row.redop:>6}  {row.root:6d}"
        else:
            for name in COLUMNS[self.program][1:]:
                start += f"  {'' if self.program == 'alltoall' else getattr(row, name):>6}"
        halves = ["".join(f"  {cell:>6}" for cell in self.cells(half)) for half in (row.out_of_place, row.in_place)]
        return join.join([start, *halves]) + (f"  {self.timestamp}" if self.timestamp else "")

    def lines(self, join: str = "") -> list[str]:
        """Return all lines of the run, without prefixes."""
        return [
            *self._head(),
            *(line for row in self.rows for line in self.row_text(row, join).split("\n")),
            *self._end(),
        ]

    def _head(self) -> list[str]:
        new = [
            "# nccl-tests version 2.17.6 nccl-headers=22807 nccl-library=22807",
            f"# Collective test starting: {self.program}_perf",
        ]
        group = "" if self.era == OLD else " Group  0"
        devices = [
            f"#  Rank {rank:2d}{group} Pid {4711 + rank:6d} on   node-{rank * self.hosts // self.ranks} "
            f"device {rank:2d} [0000:{rank:02x}:00] NVIDIA H100 80GB HBM3"
            for rank in range(self.ranks)
        ]
        leading = ("type", "redop", "root") if self.era != OLD else COLUMNS[self.program]
        half = ["time", "algbw", "busbw", "error" if self.era == OLD else "#wrong"]
        half += ["i_min", "i_max", "i_p99", "i_cv%"] if self.per_call else []
        titles = ["size", "count", *leading, *half, *half, *(["timestamp"] if self.timestamp else [])]
        return [
            *(new if self.era == NEW else []),
            f"# nThread 1 nGpus 1 {self.parameters} agg iters: 1 validation: 1 graph: 0",
            "#",
            "# Using devices",
            *devices,
            "#",
            "#                                          out-of-place                       in-place          ",
            "#" + "".join(f"  {title:>8}" for title in titles),
            "#        (B)    (elements)                     (us)  (GB/s)  (GB/s)            (us)  (GB/s)  (GB/s)",
        ]

    def _end(self) -> list[str]:
        if self.footer is None:
            return []
        return [
            f"# Out of bounds values : {self.footer} {'FAILED' if self.footer else 'OK'}",
            "# Avg bus bandwidth    : 43.6076 ",
            "#",
        ]


def float_text(value: float, width: int) -> str:
    """Return getFloatStr's text: two decimals, fewer, or an exponent, whatever fits."""
    for decimals in (2, 1, 0):
        text = f"{value:{width}.{decimals}f}"
        if len(text) <= width:
            return text
    return f"{value:{width}.{1 if width >= 7 else 0}e}"


def text(lines: Sequence[str], prefix: str = "") -> str:
    """Return lines with a launcher's prefix as one text."""
    return "".join(f"{prefix}{line}\n" for line in lines)


def simple_row(size: int = 1024, time_us: float = 12.5, wrong: int | None = 0, world_size: int = 2) -> Row:
    """Return an all_reduce of float whose bandwidths follow from its time."""
    algbw = size / time_us / 1e3
    half = Half(time_us, algbw, algbw * 2 * (world_size - 1) / world_size, wrong)
    return Row(size, size // 4, "float", "sum", -1, half, half)
