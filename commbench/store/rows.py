"""A record as plain rows of `points` and `runs`; their keys are the names in columns.py."""

from typing import TYPE_CHECKING

from commbench.collectives.of_point import bandwidths_of
from commbench.environment.redact import redact_words
from commbench.model.evidence import worst
from commbench.model.point import SIMULATED, STREAMING
from commbench.model.result import Status
from commbench.model.summary import summarise
from commbench.store import identity
from commbench.store.columns import MEASURED, SCHEMA_VERSION
from commbench.store.part_rows import part_row
from commbench.store.protocol_rows import protocol_row, taken_apart
from commbench.store.text import storable
from commbench.units import NS_PER_US

if TYPE_CHECKING:
    from collections.abc import Iterable

    from commbench.model.evidence import Evidence
    from commbench.model.result import PointResult, Samples
    from commbench.model.run import Record
    from commbench.statistics.headline import Decomposed

Row = dict[str, object]

_CHECKED = {Status.OK, Status.WRONG}  # the statuses that a point can only reach with its result verified
_POINT_FIELDS = (
    "point_id",
    "collective",
    "size_bytes",
    "dtype",
    "redop",
    "world_size",
    "nodes",
    "in_place",
    "backend",
    "fabric",
    "cadence",
    "launch",
    "traffic_skew",
    "requested_bytes",
    "count",
    "shared_gpu",
    "placement",
    "block",
    "gradients",
)
_OURS = {"source": MEASURED, "source_digest": ""}  # columns of a row that was measured by commbench itself
_EVIDENCE = {  # each field of Evidence and its column
    "verdict": "fabric_verdict",
    "reason": "fabric_reason",
    "expected_bytes": "expected_bytes",
    "moved_share": "moved_share",
    "counters_json": "fabric_counters_json",
    "link_rate_gbit_s": "link_rate_gbit_s",
    "algorithm": "algorithm",
    "protocol": "protocol",
}
_TIME_COLUMNS = ("min_us", "mean_us", "p50_us", "p95_us", "p99_us", "max_us", "std_us")


def timed(result: "PointResult") -> "Samples | None":
    """Return the samples of a result, or None when not a single call was timed."""
    return result.samples if result.samples is not None and result.samples.enter_ns.size else None


def host_of_rank(result: "PointResult", ranks: int) -> "list[str | None]":
    """Return the host of each rank of a result, None where it is unknown."""
    known = [storable(host) for host in result.hosts[:ranks]]
    return [*known, *[None] * (ranks - len(known))]


def point_rows(record: "Record") -> list[Row]:
    """Return one row for each attempt at a point, in the order of the record."""
    common = _common(record)
    return [common | _point_row(record, result) for result in record.results]


def run_row(record: "Record") -> Row:
    """Return the row that stands for the session."""
    session, plan, environment = record.session, record.plan, record.environment
    text = identity.environment_json(environment)
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": session.run_id,
        "session": session.session,
        "started_at": session.started_at_ns // NS_PER_US,
        "ended_at": session.ended_at_ns // NS_PER_US,
        "suite": plan.suite,
        "suite_hash": plan.suite_hash,
        "suite_toml": plan.suite_text,
        "purpose": session.purpose,
        "cluster": session.cluster,
        "backend": plan.backend,
        "world_size": plan.world_size,
        "launcher": session.launcher,
        "argv": list(redact_words(session.argv)),
        "exit_state": str(session.exit_state),
        "reason": session.reason,
        "points_planned": len(plan.points),
        "points_final": len({result.point.point_id for result in record.results if result.status.is_final}),
        "hosts": [host.hostname for host in environment.hosts],
        "env_id": identity.env_id(text),
        "environment_json": text,
        "commbench_version": environment.commbench_version,
        "commbench_commit": environment.commbench_commit,
        **_OURS,
        "scheduler": session.scheduler,
        "job_id": session.job_id,
        "fabric_verdict": worst(tuple(each.evidence.verdict for each in record.results if each.evidence)),
        "evidence_json": record.evidence_json,
    }


def _common(record: "Record") -> Row:
    session, environment = record.session, record.environment
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": session.run_id,
        "session": session.session,
        "purpose": session.purpose,
        "suite": record.plan.suite,
        "cluster": session.cluster,
        "env_id": identity.env_id(identity.environment_json(environment)),
        "commbench_version": environment.commbench_version,
        "commbench_commit": environment.commbench_commit,
        "torch_version": _distinct(host.torch_version for host in environment.hosts),
        "nccl_version": _distinct(host.nccl_version for host in environment.hosts),
        "driver_version": _distinct(host.driver_version for host in environment.hosts),
        "extra_json": "{}",
        **_OURS,
        "time_digits": None,
        "printed_time_us": None,
        "printed_algbw_gb_s": None,
        "printed_busbw_gb_s": None,
    }


def _point_row(record: "Record", result: "PointResult") -> Row:
    point = result.point
    samples = timed(result)
    decomposed = None if samples is None else taken_apart(result, samples)
    return {
        **{name: getattr(point, name) for name in _POINT_FIELDS},
        "attempt": result.attempt,
        "series_id": identity.series_id(point, record.session.cluster),
        "started_at": result.started_at_ns // NS_PER_US,
        "ranks_per_node": point.world_size // point.nodes,
        "status": str(result.status),
        "error": result.error,
        **_verdict(result, is_checked=record.plan.protocol.verify and result.status in _CHECKED),
        "warmup_iterations": result.warmup_iterations,
        "visits": len(result.visit_calls),
        "stopping": result.stopping,
        "converged": result.converged and samples is not None,
        **_times(result, samples, decomposed),
        **protocol_row(result, samples, decomposed),
        **part_row(result, samples),
        "launch_index": point.launch_index,
        "first_call_us": result.first_call_us,
        "timer": result.timer,
        "timer_resolution_ns": None if samples is None else result.timer_resolution_ns,
        "is_simulated": point.backend == SIMULATED,
        "hosts_id": identity.hosts_id(result.hosts),
        "hosts": list(dict.fromkeys(result.hosts)) or None,
        **_evidence(result.evidence),
    }


def _evidence(evidence: "Evidence | None") -> Row:
    if evidence is None:  # nobody looked: as null as in files from before anybody could
        return dict.fromkeys(_EVIDENCE.values()) | {"algorithm": "", "protocol": ""}
    return {column: getattr(evidence, name) for name, column in _EVIDENCE.items()}


def _verdict(result: "PointResult", *, is_checked: bool) -> Row:
    verdict = result.correctness
    is_wrong = not verdict.is_right
    return {
        "wrong_count": verdict.wrong_count if is_checked or is_wrong else None,
        "wrong_rank": verdict.rank if is_wrong else None,
        "wrong_index": verdict.index if is_wrong else None,
        "wrong_expected": verdict.expected if is_wrong else None,
        "wrong_got": verdict.got if is_wrong else None,
    }


def _times(result: "PointResult", samples: "Samples | None", decomposed: "Decomposed | None") -> Row:
    if samples is None or decomposed is None:
        bandwidths = ("algbw_gb_s", "busbw_gb_s", "algbw_mean_gb_s", "busbw_mean_gb_s")
        return {"iterations": 0, **{f"time_{name}": None for name in _TIME_COLUMNS}, **dict.fromkeys(bandwidths)}
    summary = summarise(samples.time_ns)
    elapsed_us = _elapsed_us(result, samples) if result.point.cadence == STREAMING else None
    algbw, busbw = bandwidths_of(result.point, summarise(decomposed.headline_ns).p50_us * NS_PER_US)
    algbw_mean, busbw_mean = bandwidths_of(result.point, (elapsed_us or summary.mean_us) * NS_PER_US)
    return {
        "iterations": summary.n,
        "elapsed_mean_us": elapsed_us,
        **{f"time_{name}": float(getattr(summary, name)) for name in _TIME_COLUMNS},
        "algbw_gb_s": algbw,
        "busbw_gb_s": busbw,
        "algbw_mean_gb_s": algbw_mean,
        "busbw_mean_gb_s": busbw_mean,
    }


def _elapsed_us(result: "PointResult", samples: "Samples") -> float:
    """Return the wall time of the visits over their calls, mean over ranks: what nccl-tests' BenchTime measures."""
    elapsed_ns, first = 0.0, 0
    for calls in result.visit_calls:
        last = first + calls - 1
        elapsed_ns += float((samples.exit_ns[:, last] - samples.enter_ns[:, first]).mean())
        first += calls
    return elapsed_ns / first / NS_PER_US


def _distinct(values: "Iterable[str]") -> str:
    return ", ".join(sorted({value for value in values if value}))
