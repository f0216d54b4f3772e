"""PARAM comms (facebookresearch/param train/comms/pt/comms.py), its text table of collectives, 2021 to 2026.

Its p50, p75, p95, Min and Max are taken over ranks of each rank's mean call, none of them over calls: they meet no
definition of the store and are kept as printed. Bandwidths follow from its p50; sizes mean what nccl-tests means.
"""

import re
from collections.abc import Sequence

from commbench.errors import UsageError
from commbench.importers import parsed
from commbench.importers.lines import clean_lines
from commbench.importers.numbers import is_cell, number, significant_digits
from commbench.importers.parsed import Hints, ParsedPoint, ParsedRun, Printed
from commbench.model.dtype import DTYPES, NO_REDOP
from commbench.model.point import HOST_LAUNCH, STREAMING

_HEADER = re.compile(r"\bCOMMS-RES(?!-)(?P<quant>-QUANT)?\s.*\b(?:Latency|Time)\(us\):p50")
_ROW = re.compile(r"\bCOMMS-RES-(?P<name>\S+)\s+(?P<cells>\d.*)$")
_ENVIRONMENT = re.compile(r"(?:PARAM COMM|MPI) environment:\s*\{")
_WORLD_SIZE = re.compile(r"'world_size': (\d+)")
_LOCAL_SIZE = re.compile(r"'local_size': (\d+)")
_BACKEND = re.compile(r"\bbackend: (\w+) nw-stack")
_BLOCKING = re.compile(r"args\.z: (\w+)")
_DTYPES = re.compile(r"args\.data_types?: \[?'(\w+)'\]?(?!,)")
_ISOLATED = "isolated"  # --z 1: a barrier before every call

# Size, elements per rank, p50, p75, p95, Min, Max, AlgBW, BusBW; since 2024 a tenth, the total p50.
_TITLES = (
    "size",
    "count",
    "p50_us",
    "p75_us",
    "p95_us",
    "min_us",
    "max_us",
    "algbw_gb_s",
    "busbw_gb_s",
    "total_p50_us",
)
_LEAST = 9
# The longest name first: the list, single and uneven forms are variants of the same collective.
_COLLECTIVES = {
    "all_reduce": "all_reduce",
    "all_gather": "all_gather",
    "all_to_all": "all_to_all",
    "reduce_scatter": "reduce_scatter",
    "broadcast": "broadcast",
    "reduce": "reduce",
    "gather": "gather",
    "scatter": "scatter",
}
_REDUCING = {"all_reduce", "reduce_scatter", "reduce"}


def looks_like(text: str) -> bool:
    """Return whether the text has a header or a row of PARAM's table."""
    return "COMMS-RES" in text


def parse(text: str, hints: Hints) -> list[ParsedRun]:
    """Return one run for each table in the text; rows of pt2pt and of quantised calls are left out and counted.

    Raises:
        UsageError: nothing says how many ranks ran, or there are only rows that are not collectives.
    """
    lines = clean_lines(text)
    starts = [place for place, line in enumerate(lines) if _HEADER.search(line)]
    if not starts:
        raise UsageError("PARAM's rows lack their header, a line that begins COMMS-RES and names Time(us):p50")
    runs = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        below = lines[start:end]
        last = max((place for place, line in enumerate(below) if _ROW.search(line)), default=0)
        runs.append(_run(lines[:start], below[: last + 1], hints))
    if not any(run.points or not run.extra.get("left_out_rows") for run in runs):
        raise UsageError("PARAM's rows are of pt2pt or quantised calls; commbench imports its collectives only")
    return runs


def _run(before: Sequence[str], lines: Sequence[str], hints: Hints) -> ParsedRun:
    place = max((place for place, line in enumerate(before) if _ENVIRONMENT.search(line)), default=0)
    about = "\n".join(before[place:])
    told = _WORLD_SIZE.search(about)
    world_size = int(told[1]) if told else hints.world_size
    if not world_size:
        raise UsageError("the log lacks PARAM's line of its environment, which tells the ranks; add --ranks N")
    local = _LOCAL_SIZE.search(about)
    backend, blocking, dtype = _BACKEND.search(about), _BLOCKING.search(about), _DTYPES.search(about)
    rows = [match for line in lines[1:] if (match := _ROW.search(line))]
    found = [_point(row, dtype[1] if dtype else "") for row in rows]
    points = tuple(point for point in found if point is not None)
    return ParsedRun(
        source=parsed.PARAM,
        text="\n".join(lines),
        points=points,
        world_size=world_size,
        nodes=hints.nodes or (-(-world_size // int(local[1])) if local and int(local[1]) else None),
        hosts=(),
        backend=backend[1] if backend else "unknown",
        cadence=_ISOLATED if blocking and blocking[1] in {"1", "True"} else STREAMING,
        launch=HOST_LAUNCH,
        # There is no footer: a run that is cut off looks like one with fewer sizes.
        exit_state=parsed.COMPLETE if points else parsed.KILLED,
        reason="" if points else "the header is there, but no row: the run hung or was killed",
        points_planned=len(points),
        extra={
            "world_size_from": "log" if told else "option",
            **({"left_out_rows": len(found) - len(points)} if len(found) > len(points) else {}),
        },
    )


def _point(row: "re.Match[str]", dtype_of_run: str) -> ParsedPoint | None:
    cells = row["cells"].split()
    if not (_LEAST <= len(cells) <= len(_TITLES) and all(map(is_cell, cells)) and cells[1].isdecimal()):
        return None
    named, dtype = _named(row["name"])
    collective = next((ours for theirs, ours in _COLLECTIVES.items() if named.startswith(theirs)), None)
    if collective is None or "object" in named:  # pickled objects are no tensors
        return None
    values = {title: value for title, cell in zip(_TITLES, cells, strict=False) if (value := number(cell)) is not None}
    size_bytes = int(cells[0])
    return ParsedPoint(
        collective=collective,
        size_bytes=size_bytes,
        requested_bytes=size_bytes,
        count=int(cells[1]),
        dtype=dtype or dtype_of_run or "unknown",
        redop="sum" if collective in _REDUCING else NO_REDOP,
        in_place=collective in {"all_reduce", "broadcast", "reduce"},
        printed=Printed(
            values.get("p50_us"), values.get("algbw_gb_s"), values.get("busbw_gb_s"), significant_digits(cells[2])
        ),
        times={},
        iterations=None,
        variant=named,
        extra={f"rank_mean_{title}": values[title] for title in _TITLES[2:7] if title in values},
    )


def _named(text: str) -> tuple[str, str]:
    """Return the collective and the element type of `all_reduce-float32` and a tag; older rows have no type."""
    name, _, rest = text.partition("-")
    dtype = next((each for each in DTYPES if rest == each or rest.startswith(f"{each}-")), "")
    return name, dtype
