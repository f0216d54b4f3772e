"""nccl-tests' text output, all eras, as runs: complete, wrong, failed, or ended without a word."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from commbench.errors import UsageError
from commbench.importers import parsed
from commbench.importers.lines import clean_lines
from commbench.importers.names import dtype_of
from commbench.importers.nccl_tests_infer import Inferred, infer, requested_sizes, rounds_to
from commbench.importers.nccl_tests_rows import Header, Row, Table, read_table
from commbench.importers.nccl_tests_runs import Device, Facts, RawRun, read_facts, split_runs, table_of
from commbench.importers.numbers import nccl_version, number, significant_digits
from commbench.importers.parsed import Hints, ParsedHost, ParsedPoint, ParsedRun, Printed
from commbench.model.dtype import NO_REDOP
from commbench.model.point import GRAPH_LAUNCH, HOST_LAUNCH, STREAMING

BLOCKING = "blocking"  # -z: wait, or wait and meet, after every call
_PLACEMENTS = 2
# What a row of up to 2.11 may differ by, for each rank but one: DeltaMaxValue in nccl-tests v2.11.0 src/common.cu.
_LARGEST_DELTA = {"float16": 1e-2, "bfloat16": 1e-2, "float32": 1e-5, "float64": 1e-12}
_INTEGER_DELTA = 1e-200
# What -I measures: CUDA events, for each call the maximum over ranks; a column and the titles of the table.
_PER_CALL = {"time_min_us": "i_min", "time_max_us": "i_max", "time_p99_us": "i_p99"}


@dataclass(frozen=True, slots=True)
class _Sweep:
    """What is the same for all rows of a table."""

    header: Header
    facts: Facts
    inferred: Inferred
    iterations: int | None


def looks_like(text: str) -> bool:
    """Return whether the text has a run of nccl-tests, however short."""
    return bool(split_runs(clean_lines(text)))


def parse(text: str, hints: Hints) -> list[ParsedRun]:
    """Return the runs of a log, those without a single row too.

    Raises:
        UsageError: the log does not say which collective ran or on how many ranks, and neither do the hints.
    """
    return [_run(raw, hints) for raw in split_runs(clean_lines(text))]


def _run(raw: RawRun, hints: Hints) -> ParsedRun:
    facts = read_facts(raw)
    header, below = table_of(raw)
    table = read_table(header, below) if header else None
    rows = table.rows if table else ()
    inferred = infer(facts, header, rows, hints)
    if rows and not inferred.collective:
        raise UsageError("the log does not name its program and the columns fit several; add --collective NAME")
    if rows and not inferred.world_size:
        raise UsageError("the log has no device list, so it does not say how many ranks ran; add --ranks N")
    points = _points(table, facts, inferred) if table else ()
    hosts = _hosts(facts.devices)
    exit_state, reason = _end(facts, points)
    times = sorted(datetime.fromisoformat(row.timestamp) for row in rows if row.timestamp)
    return ParsedRun(
        source=parsed.NCCL_TESTS,
        text="\n".join(raw.lines),
        points=points,
        world_size=inferred.world_size,
        nodes=len(hosts) or hints.nodes,
        hosts=hosts,
        backend="nccl",
        cadence=BLOCKING if facts.is_blocking else STREAMING,
        launch=GRAPH_LAUNCH if facts.parameters.get("graph") else HOST_LAUNCH,
        exit_state=exit_state,
        reason=reason,
        points_planned=max(len(points), _PLACEMENTS * len(requested_sizes(facts))),
        warmup_iterations=facts.parameters.get("warmup iters"),
        nccl_version=nccl_version(facts.nccl_code) if facts.nccl_code else facts.nccl_version,
        shared_gpu=len({(each.host, each.device, each.bus) for each in facts.devices}) < len(facts.devices),
        started_at=times[0] if times else None,
        ended_at=times[-1] if times else None,
        extra=_extra(facts, inferred, table),
    )


def _extra(facts: Facts, inferred: Inferred, table: Table | None) -> dict[str, object]:
    found = {
        "tool_version": facts.tests_version,
        "parameters": facts.parameters,
        "average_busbw_gb_s": facts.average_busbw,
        "out_of_bounds": facts.out_of_bounds,
        "collective_from": inferred.collective_from,
        "world_size_from": inferred.world_size_from,
        "torn_rows": table.torn if table else 0,
    }
    return {name: value for name, value in found.items() if value not in ("", None, {}, 0) or name == "out_of_bounds"}


def _points(table: Table, facts: Facts, inferred: Inferred) -> tuple[ParsedPoint, ...]:
    given = facts.parameters
    calls = given.get("iters", 0) * max(1, given.get("agg iters", 1)) * max(1, given.get("graph", 0))
    sweep = _Sweep(table.header, facts, inferred, calls or None)
    sizes = requested_sizes(facts)
    seen: Counter[tuple[str, str, str]] = Counter()
    points = []
    for row in table.rows:
        key = (row.nccl_type, row.redop, row.root)  # with -d all, -o all, -r all each has a sweep of its own
        requested = sizes[seen[key] % len(sizes)] if sizes else row.size_bytes
        seen[key] += 1
        if not rounds_to(requested, row.size_bytes, inferred.world_size):
            requested = row.size_bytes
        points += [_point(sweep, row, requested, in_place=in_place) for in_place in (False, True)]
    return tuple(points)


def _point(sweep: _Sweep, row: Row, requested_bytes: int, *, in_place: bool) -> ParsedPoint:
    cells = row.in_place if in_place else row.out_of_place
    dtype = dtype_of(row.nccl_type)
    time = cells[sweep.header.half[0]]
    time_us = number(time)
    times = _per_call(sweep, cells)
    if time_us is not None and not sweep.header.is_cpu_time:
        times["elapsed_mean_us"] = time_us
    status, error, wrong_count = _verdict(cells, dtype, sweep.inferred.world_size)
    extra: dict[str, object] = {name: cells[name] for name in ("error", "i_cv%") if name in cells}
    if row.root not in {"", "-1"}:
        extra["root"] = row.root
    return ParsedPoint(
        collective=sweep.inferred.collective,
        size_bytes=row.size_bytes,
        requested_bytes=requested_bytes,
        count=row.count,
        dtype=dtype,
        redop=row.redop or NO_REDOP,
        in_place=in_place,
        printed=Printed(time_us, number(cells["algbw"]), number(cells["busbw"]), significant_digits(time)),
        times=times,
        iterations=sweep.iterations,
        status=status,
        error=error,
        wrong_count=wrong_count,
        variant="cpu time" if sweep.header.is_cpu_time else "",
        extra=extra,
    )


def _per_call(sweep: _Sweep, cells: dict[str, str]) -> dict[str, float]:
    """Return what -I measured of single calls; several calls fused in one iteration have no times of their own."""
    if sweep.facts.parameters.get("agg iters", 1) > 1:
        return {}
    found = {column: number(cells.get(title, "")) for column, title in _PER_CALL.items()}
    return {column: time_us for column, time_us in found.items() if time_us is not None}


def _verdict(cells: dict[str, str], dtype: str, world_size: int) -> tuple[str, str, int | None]:
    """Return status, error and wrong elements: `#wrong` counts them, `error` is the largest difference."""
    if "#wrong" in cells:
        wrong = number(cells["#wrong"])
        count = None if wrong is None else int(wrong)
        return (parsed.WRONG, f"nccl-tests counted {count} wrong elements", count) if count else (parsed.OK, "", count)
    delta = number(cells.get("error", ""))
    allowed = _LARGEST_DELTA.get(dtype, _INTEGER_DELTA) * (world_size - 1)
    if delta is not None and delta > allowed:
        return parsed.WRONG, f"nccl-tests found a difference of {delta:g}; {allowed:g} is allowed", None
    return parsed.OK, "", None


def _hosts(devices: Sequence[Device]) -> tuple[ParsedHost, ...]:
    names = dict.fromkeys(each.host for each in devices)
    return tuple(
        ParsedHost(
            name,
            tuple(each.rank for each in devices if each.host == name),
            tuple(each.gpu for each in devices if each.host == name),
        )
        for name in names
    )


def _end(facts: Facts, points: Sequence[ParsedPoint]) -> tuple[str, str]:
    """Return how the run ended: only the footer proves that it came to its end."""
    if facts.out_of_bounds is not None:
        if facts.out_of_bounds or any(point.status == parsed.WRONG for point in points):
            return parsed.WRONG, f"nccl-tests reported {facts.out_of_bounds} values out of bounds"
        return parsed.COMPLETE, ""
    sizes = len(points) // _PLACEMENTS
    if facts.failure:
        return parsed.FAILED, f"after {sizes} sizes: {facts.failure}"
    return (
        parsed.KILLED,
        f"the log ends after {sizes} sizes without nccl-tests' footer: the run hung, or the log was cut",
    )
