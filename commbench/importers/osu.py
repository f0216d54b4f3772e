"""OSU micro-benchmarks: the blocking collectives of MPI and of NCCL, versions 3 to 7.

Sources: c/util/osu_util_mpi.c and c/mpi/collective/blocking of version 7.4. `Avg Latency` is the mean over ranks of
each rank's mean call; `Min` and `Max` (`-f`) are the least and greatest of those means, no call's time: they are
kept in extra_json, as are the percentiles of `-z`, which are taken of means over ranks.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from commbench.errors import UsageError
from commbench.importers import parsed
from commbench.importers.lines import clean_lines
from commbench.importers.numbers import number, significant_digits
from commbench.importers.parsed import Hints, ParsedPoint, ParsedRun, Printed
from commbench.model.dtype import NO_REDOP
from commbench.model.point import HOST_LAUNCH

_TITLE = re.compile(
    r"(?:#\s*)?OSU (?P<library>MPI|XCCL|NCCL|RCCL)(?P<device>-\w+)? (?P<test>.+?) Latency Test(?: v(?P<v>\S+))?$"
)
_ANY_TITLE = re.compile(r"(?:#\s*)?OSU \S+ .+ (?:Test|Benchmark)\b.*")
_COLUMNS = re.compile(r"#?\s*Size\s+(?:Avg )?Latency\s?\(us\)")
_COLUMN = re.compile(
    r"Size|(?:Avg |Min |Max )?Latency\s?\(us\)|Iterations|P\d+ Tail Lat\(us\)|Validation|Transmit Size"
)
_DATATYPE = re.compile(r"#?\s*Datatype: (\w+)")
_COMMAND_RANKS = re.compile(r"(?:mpirun|mpiexec|mpirun_rsh|srun)\b.*?\s-{1,2}(?:np|n|ntasks)[ =](\d+)\b.*\bosu_")

# Test -> our collective, and whether the size is one rank's part of what nccl-tests calls size.
_TESTS = {
    "Allreduce": ("all_reduce", False),
    "Allgather": ("all_gather", True),
    "All-to-All Personalized Exchange": ("all_to_all", True),
    "Broadcast": ("broadcast", False),
    "Reduce": ("reduce", False),
    "Reduce_scatter": ("reduce_scatter", False),
    "Gather": ("gather", True),
    "Scatter": ("scatter", True),
}
_REDUCING = {"all_reduce", "reduce", "reduce_scatter"}
_DTYPES = {"MPI_CHAR": "int8", "MPI_INT": "int32", "MPI_FLOAT": "float32"}
_WIDTHS = {"int8": 1, "int32": 4, "float32": 4}
_ISOLATED = "isolated"  # MPI_Barrier between calls, outside the time


@dataclass(frozen=True, slots=True)
class _Test:
    """One test of a file: its title, the lines below it, and the ranks that a command before it names."""

    title: "re.Match[str]"
    lines: tuple[str, ...]
    ranks: int | None


def looks_like(text: str) -> bool:
    """Return whether the text has the title of an OSU benchmark."""
    return any(_ANY_TITLE.match(line.strip()) for line in clean_lines(text))


def parse(text: str, hints: Hints) -> list[ParsedRun]:
    """Return one run for each test of a collective in the text.

    Raises:
        UsageError: there is none of a known collective, or nothing says how many ranks ran.
    """
    tests = _tests(clean_lines(text))
    known = [test for test in tests if test.title["test"] in _TESTS]
    if not known:
        names = ", ".join(sorted({test.title["test"] for test in tests})) or "no latency test of a collective"
        raise UsageError(f"of OSU's benchmarks it has {names}; commbench imports {', '.join(_TESTS)}")
    return [_run(test, hints) for test in known]


def _tests(lines: Sequence[str]) -> list[_Test]:
    titles = [(place, _TITLE.match(line.strip())) for place, line in enumerate(lines)]
    found = [(place, title) for place, title in titles if title]
    borders = [place for place, line in enumerate(lines) if _ANY_TITLE.match(line.strip())] + [len(lines)]
    tests = []
    for place, title in found:
        end = next(border for border in borders if border > place)
        commands = [match for line in lines[:place] if (match := _COMMAND_RANKS.search(line))]
        tests.append(_Test(title, _own(lines[place:end]), int(commands[-1][1]) if commands else None))
    return tests


def _own(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the lines down to the last row, so that what follows the test does not change its digest."""
    last = max((place for place, line in enumerate(lines) if _cells(line)), default=len(lines) - 1)
    return tuple(lines[: last + 1])


def _cells(line: str) -> list[str]:
    cells = line.split()
    is_row = len(cells) > 1 and cells[0].isdecimal() and number(cells[1]) is not None
    return cells if is_row else []


def _run(test: _Test, hints: Hints) -> ParsedRun:
    world_size = hints.world_size or test.ranks
    if not world_size:
        raise UsageError("OSU benchmarks do not print how many ranks ran; add --ranks N (and --nodes N)")
    collective, is_part = _TESTS[test.title["test"]]
    header = next((line for line in test.lines if _COLUMNS.search(line)), "")
    columns = [re.sub(r"\s+\(", "(", title) for title in _COLUMN.findall(header)]
    rows = [cells for line in test.lines if (cells := _cells(line)) and len(cells) == len(columns)]
    factor = world_size if is_part else 1
    dtype = _dtype(test.lines, collective)
    points = tuple(_point(dict(zip(columns, row, strict=True)), collective, dtype, factor) for row in rows)
    is_nccl = test.title["library"] != "MPI"
    has_wrong = any(point.status == parsed.WRONG for point in points)
    return ParsedRun(
        source=parsed.OSU,
        text="\n".join(test.lines),
        points=points,
        world_size=world_size,
        nodes=hints.nodes,
        hosts=(),
        backend="nccl" if is_nccl else "mpi",
        cadence=_ISOLATED,
        launch=HOST_LAUNCH,
        # There is no footer: an OSU test that is cut off looks like one with fewer sizes.
        exit_state=parsed.WRONG if has_wrong else parsed.COMPLETE if points else parsed.KILLED,
        reason="" if points else "the title is there, but no row: the run hung or was killed",
        points_planned=len(points),
        extra={
            "tool_version": test.title["v"] or "",
            "buffers": (test.title["device"] or "").lstrip("-"),
            "world_size_from": "option" if hints.world_size else "command line in the log",
        },
    )


def _dtype(lines: Sequence[str], collective: str) -> str:
    """Return the element type; before version 7 it is not printed and is MPI_FLOAT where there is a reduction."""
    named = next((match[1] for line in lines if (match := _DATATYPE.search(line))), "")
    return _DTYPES.get(named, named.lower()) if named else "float32" if collective in _REDUCING else "int8"


def _point(cells: dict[str, str], collective: str, dtype: str, factor: int) -> ParsedPoint:
    time = next(cells[title] for title in ("Avg Latency(us)", "Latency(us)") if title in cells)
    time_us = number(time)
    part_bytes = int(cells["Size"])
    width = _WIDTHS.get(dtype)
    others = {
        title: value for title, text in cells.items() if "Lat" in title and title[0] in "MP" and (value := number(text))
    }
    iterations = cells.get("Iterations", "")
    is_wrong = cells.get("Validation") == "Fail"
    return ParsedPoint(
        collective=collective,
        size_bytes=part_bytes * factor,
        requested_bytes=part_bytes * factor,
        count=None if width is None else part_bytes // width,
        dtype=dtype,
        redop="sum" if collective in _REDUCING else NO_REDOP,
        in_place=False,
        printed=Printed(time_us, digits=significant_digits(time)),
        times={} if time_us is None else {"elapsed_mean_us": time_us},
        iterations=int(iterations) if iterations.isdecimal() else None,
        status=parsed.WRONG if is_wrong else parsed.OK,
        error="OSU's validation failed" if is_wrong else "",
        wrong_count=0 if cells.get("Validation") == "Pass" else None,
        extra={"printed_size_bytes": part_bytes, **others},
    )
