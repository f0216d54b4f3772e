"""nccl-tests' JSON output (-J), file versions 1 (2.17.3), 2 (2.19.2) and 3 (2.19.6), whole or cut off.

Read from src/util.cu of those versions: booleans are the strings "true" and "false", `root` is a padded string, NaN
is "nan", infinity a bare inf; 2.17.3 misspells average_bus_bandwidth; a run that is killed leaves its objects open.
The environment is in the file whole, with whatever secrets it has: of `env` nothing is kept, and of `args` the
program's name.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import ceil

from commbench.errors import UsageError
from commbench.importers import parsed
from commbench.importers.cut_json import Json, load
from commbench.importers.names import dtype_of
from commbench.importers.nccl_tests import BLOCKING
from commbench.importers.nccl_tests_infer import by_name, rounds_to
from commbench.importers.numbers import nccl_version
from commbench.importers.parsed import Hints, ParsedHost, ParsedPoint, ParsedRun, Printed
from commbench.model.dtype import NO_REDOP
from commbench.model.point import GRAPH_LAUNCH, HOST_LAUNCH, STREAMING

NEWEST_KNOWN = 3
_PLACEMENTS = {"out_of_place": False, "in_place": True}
_PER_ITERATION = {"time_min_us": "min_us", "time_mean_us": "avg_us", "time_max_us": "max_us", "time_std_us": "stdev_us"}
_QUANTILES = {"time_p50_us": 0.50, "time_p95_us": 0.95, "time_p99_us": 0.99}


@dataclass(frozen=True, slots=True)
class _Sweep:
    """What is the same for all results; several calls fused in one iteration have no times of their own."""

    collective: str
    calls: int
    is_per_call: bool


def looks_like(text: str) -> bool:
    """Return whether the text begins as nccl-tests' JSON does."""
    return text.lstrip().startswith("{") and '"nccl_version"' in text and '"config"' in text


def parse(text: str, hints: Hints) -> list[ParsedRun]:
    """Return the one run of a file, with the results that are whole.

    Raises:
        UsageError: the text is damaged otherwise than by ending too soon, or lacks what every version has.
    """
    data, is_cut = load(text)
    try:
        return [_run(text, data, hints, is_cut=is_cut)]
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise UsageError(f"nccl-tests' JSON lacks what every version has ({error!r})") from error


def _run(text: str, data: Json, hints: Hints, *, is_cut: bool) -> ParsedRun:
    config = data["config"]
    results = list(data.get("results", ()))
    hosts = _hosts(config)
    world_size = _world_size(config, hints)
    points = _points(results, config, world_size, _collective(data, hints) if results else "")
    exit_state, reason = _end(data, len(results), points, is_cut=is_cut)
    return ParsedRun(
        source=parsed.NCCL_TESTS,
        text=text.strip(),
        points=points,
        world_size=world_size,
        nodes=len(hosts) or hints.nodes,
        hosts=hosts,
        backend="nccl",
        cadence=BLOCKING if config.get("blocking_collectives") == "true" else STREAMING,
        launch=GRAPH_LAUNCH if config.get("graph") else HOST_LAUNCH,
        exit_state=exit_state,
        reason=reason,
        points_planned=len(points),
        warmup_iterations=int(config["warmup_iters"]),
        nccl_version=nccl_version(int(data["nccl_version"])),
        started_at=_moment(data.get("start_time")),
        ended_at=_moment(data.get("end_time")),
        extra=_extra(data, config),
    )


def _extra(data: Json, config: Json) -> dict[str, object]:
    parameters = {name: value for name, value in config.items() if isinstance(value, int | str)}
    version = int(data["version"])
    average = data.get("average_bus_bandwidth") or data.get("average_bus_bandwidith") or {}
    bandwidth = average.get("bandwidth", average.get("bandwidith"))
    found: dict[str, object] = {"json_version": version, "parameters": parameters}
    if isinstance(bandwidth, Decimal):
        found["average_busbw_gb_s"] = str(bandwidth)
    if version > NEWEST_KNOWN:
        found["note"] = f"commbench knows JSON versions up to {NEWEST_KNOWN}: what is new in this one was left out"
    return found


def _hosts(config: Json) -> tuple[ParsedHost, ...]:
    """Return the hosts; with several GPUs a process, `devices` lists the first GPU of each process only."""
    each_has = int(config["nthreads"]) * int(config["ngpus"])
    found: dict[str, list[tuple[int, str]]] = {}
    for device in config.get("devices", ()):
        ranks = range(int(device["rank"]), int(device["rank"]) + each_has)
        gpu = str(device.get("device_info") or "").strip()
        found.setdefault(str(device["hostname"]), []).extend((rank, gpu) for rank in ranks)
    return tuple(
        ParsedHost(name, tuple(rank for rank, _ in ranks), tuple(gpu for _, gpu in ranks))
        for name, ranks in found.items()
    )


def _world_size(config: Json, hints: Hints) -> int:
    world_size = len(config.get("devices", ())) * int(config["nthreads"]) * int(config["ngpus"])
    if not world_size and not hints.world_size:
        raise UsageError("nccl-tests' JSON has no device list, so it does not say how many ranks ran; add --ranks N")
    return world_size or hints.world_size or 0


def _points(results: list[Json], config: Json, world_size: int, collective: str) -> tuple[ParsedPoint, ...]:
    fused = max(1, int(config["aggregated_iterations"]))
    calls = int(config["iterations"]) * fused * max(1, int(config["graph"]))
    sweep = _Sweep(collective, calls, is_per_call=fused == 1)
    seen: Counter[tuple[str, str, str]] = Counter()
    points = []
    for result in results:
        key = (str(result["type"]), str(result["redop"]), str(result["root"]))
        requested = _requested(config, seen[key], int(result["size"]), world_size)
        seen[key] += 1
        points += [
            _point(sweep, result, place, requested)
            for place in _PLACEMENTS
            if result.get(place) is not None  # a replayed trace has no out-of-place half
        ]
    return tuple(points)


def _requested(config: Json, index: int, size_bytes: int, world_size: int) -> int:
    first = int(config["minimum_bytes"])
    if "step_factor" in config:
        requested = first * int(config["step_factor"]) ** min(index, 64)
    else:
        requested = first + int(config.get("step_bytes", 0)) * index
    return requested if rounds_to(requested, size_bytes, world_size) else size_bytes


def _point(sweep: _Sweep, result: Json, place: str, requested_bytes: int) -> ParsedPoint:
    body: Json = result[place]
    is_cpu_time = "cpu_time" in body
    time = body["cpu_time" if is_cpu_time else "time"]
    wrong = body.get("nwrong")
    wrong_count = None if wrong is None else int(wrong)
    per_call = result.get(f"{place}_per_iter")
    times = _per_iteration(per_call) if per_call and sweep.is_per_call else {}
    if _float(time) is not None and not is_cpu_time:
        times["elapsed_mean_us"] = float(time)
    root = str(result["root"]).strip()
    return ParsedPoint(
        collective=sweep.collective,
        size_bytes=int(result["size"]),
        requested_bytes=requested_bytes,
        count=int(result["count"]),
        dtype=dtype_of(str(result["type"]).strip()),
        redop=str(result["redop"]).strip() or NO_REDOP,
        in_place=_PLACEMENTS[place],
        printed=Printed(_float(time), _float(body["alg_bw"]), _float(body["bus_bw"]), _digits(time)),
        times=times,
        iterations=sweep.calls,
        status=parsed.WRONG if wrong_count else parsed.OK,
        error=f"nccl-tests counted {wrong_count} wrong elements" if wrong_count else "",
        wrong_count=wrong_count,
        variant="cpu time" if is_cpu_time else "",
        extra={} if root in {"", "-1"} else {"root": root},
    )


def _collective(data: Json, hints: Hints) -> str:
    """Return the collective: `experiment_name` is empty up to 2.19.6, so that only the program's name tells it."""
    arguments = data.get("args") or [""]
    found = by_name(str(arguments[0]).rpartition("/")[2]) or hints.collective or by_name(hints.file_name)
    if not found:
        raise UsageError("nccl-tests' JSON does not name its program in `args`; add --collective NAME")
    return found


def _per_iteration(found: Json) -> dict[str, float]:
    """Return what -I measured: CUDA events, for each call the maximum over ranks."""
    times = {column: value for column, name in _PER_ITERATION.items() if (value := _float(found.get(name))) is not None}
    kept = sorted(float(each) for each in list(found.get("times_us", ()))[int(found.get("skipped_iterations", 0)) :])
    if kept:  # nccl-tests' own p50 is the upper median; ours is the nearest rank, as its p95 and p99 are
        times |= {column: kept[max(0, ceil(share * len(kept)) - 1)] for column, share in _QUANTILES.items()}
    return times


def _end(data: Json, sizes: int, points: tuple[ParsedPoint, ...], *, is_cut: bool) -> tuple[str, str]:
    errors = "; ".join(str(error) for error in data.get("errors", ()) if str(error).strip())
    bounds = data.get("out_of_bounds")
    if is_cut or bounds is None:
        state = parsed.FAILED if errors else parsed.KILLED
        return state, errors or f"the file ends after {sizes} sizes: the run hung or was killed"
    if int(bounds["count"]) or any(point.wrong_count for point in points):
        return parsed.WRONG, f"nccl-tests reported {bounds['count']} values out of bounds"
    return (parsed.FAILED, errors) if errors else (parsed.COMPLETE, "")


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else None


def _digits(value: object) -> int | None:
    return len(value.as_tuple().digits) if isinstance(value, Decimal) else None


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None
