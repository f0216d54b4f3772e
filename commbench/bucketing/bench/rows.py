"""Cases as rows of the store's dataset `kernel`: plain dicts, columns as in commbench/store/kernel_columns.py."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median, quantiles
from typing import Any

from commbench.bucketing.bench.case import Case, Times
from commbench.bucketing.bench.competitor import OURS
from commbench.bucketing.bench.oracle import ORACLE
from commbench.bucketing.bench.sets import sets_needed
from commbench.bucketing.bench.work import Direction, Work
from commbench.units import NS_PER_S, NS_PER_US


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where and why a run of the benchmark happened; empty where unknown."""

    run_id: str
    host: str
    gpu: str  # model of the GPU; of the CPU where the work is done there
    device: str  # cpu or cuda
    purpose: str = "adhoc"
    cluster: str = ""
    driver_version: str = ""
    cuda_version: str = ""
    torch_version: str = ""
    cupy_version: str = ""
    commbench_version: str = ""
    commbench_commit: str = ""

    def columns(self) -> dict[str, str]:
        """Return what has a column of its own; the device has none."""
        names = (name for name in self.__dataclass_fields__ if name != "device")
        return {name: getattr(self, name) for name in names}


def rows(cases: Sequence[Case], about: Surroundings, cold_bytes: int) -> list[dict[str, Any]]:
    """Return one row for each case, with its share of the best copy and its ratio to ours at the same work."""
    copy_gb_s = best_copy_gb_s(cases)
    ours = [case for case in cases if case.competitor == OURS and not case.tuning]
    ours_ns = {case.work: case.times.cold_median_ns for case in ours if case.times}
    return [
        {"case_id": case_id, **about.columns(), **_case(case, about, cold_bytes), **_ratios(case, copy_gb_s, ours_ns)}
        for case_id, case in enumerate(cases)
    ]


def best_copy_gb_s(cases: Sequence[Case]) -> float | None:
    """Return the bandwidth of the quickest right copy of one tensor, None when none was timed."""
    found = [case.bandwidth_gb_s for case in cases if case.work.direction == Direction.COPY]
    return max((each for each in found if each is not None), default=None)


def _case(case: Case, about: Surroundings, cold_bytes: int) -> dict[str, Any]:
    work, times = case.work, case.times
    extra = {"device": about.device, "sets": sets_needed(work, cold_bytes), "cold_bytes": cold_bytes}
    if times is not None and times.no_graph:
        extra["no_graph"] = times.no_graph
    if times is not None and times.waits_for_host:
        extra["waits_for_host"] = True
    return {
        "started_at": datetime.fromtimestamp(case.started_at_ns / NS_PER_S, UTC),
        "competitor": case.competitor,
        "is_reimplemented": case.is_reimplemented,
        "workload": work.workload.name,
        "direction": work.direction.value,
        "tensor_dtype": work.tensor_dtype,
        "bucket_dtype": work.bucket_dtype,
        "is_scaled": work.is_scaled,
        "tensors": len(work.workload.counts),
        "count": work.workload.count,
        "moved_bytes": work.moved_bytes,
        "launches": case.launches if about.device == "cuda" else None,
        "tuning_json": json.dumps(dict(case.tuning)),
        "status": case.status.value,
        "error": case.error,
        "oracle": ORACLE if case.check else "",
        "wrong_count": case.check.wrong_count if case.check else None,
        "wrong_index": case.check.wrong_index if case.check else None,
        **(_times(times) if times else {"iterations": 0, "samples_ns": []}),
        "extra_json": json.dumps(extra),
    }


def _times(times: Times) -> dict[str, Any]:
    low, _, high = quantiles(times.cold_ns, n=4, method="inclusive") if len(times.cold_ns) > 1 else times.cold_ns * 3
    return {
        "iterations": len(times.cold_ns),
        "device_time_cold_us": times.cold_median_ns / NS_PER_US,
        "device_time_cold_low_us": low / NS_PER_US,
        "device_time_cold_high_us": high / NS_PER_US,
        "device_time_warm_us": _median_us(times.warm_ns),
        "device_time_graph_us": _median_us(times.graph_ns),
        "host_time_us": _median_us(times.host_ns),
        "prepare_time_us": times.prepare_ns / NS_PER_US,
        "samples_ns": list(times.cold_ns),
    }


def _median_us(times_ns: Sequence[int]) -> float | None:
    return median(times_ns) / NS_PER_US if times_ns else None


def _ratios(case: Case, copy_gb_s: float | None, ours_ns: Mapping[Work, float]) -> dict[str, float | None]:
    bandwidth_gb_s = case.bandwidth_gb_s
    ours = ours_ns.get(case.work)
    return {
        "bandwidth_gb_s": bandwidth_gb_s,
        "copy_gb_s": copy_gb_s,
        "copy_share": bandwidth_gb_s / copy_gb_s if bandwidth_gb_s and copy_gb_s else None,
        "time_ratio": case.times.cold_median_ns / ours if case.times and ours else None,
    }
