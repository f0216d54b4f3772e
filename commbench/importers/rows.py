"""Parsed runs as rows of `points` and `runs`; a column whose definition nothing meets stays null."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import blake2b

from commbench import __version__
from commbench.environment.redact import redact_text
from commbench.importers.names import bus_factor
from commbench.importers.parsed import WRONG, ParsedPoint, ParsedRun
from commbench.model.bandwidth import algbw_gb_s, busbw_gb_s
from commbench.model.environment import Environment, HostFacts
from commbench.model.evidence import Verdict
from commbench.model.point import Point
from commbench.store import identity
from commbench.store.columns import SCHEMA_VERSION
from commbench.store.schema import SCHEMAS
from commbench.units import NS_PER_US

Row = dict[str, object]

PURPOSE = SUITE = "imported"
UNKNOWN_FABRIC = "unknown"
_DIGEST_BYTES = 16
_LONGEST_REASON = 500  # characters of a message that another program chose
# Texts that are empty, not null, where there is nothing to say; so are those that are about one host's software.
_NO_TEXT = ("torch_version", "driver_version", "algorithm", "protocol", "stopping", "timer", "blame", "stragglers")
_ENVIRONMENT_TEXT = ("commbench_version", "commbench_commit")


@dataclass(frozen=True, slots=True)
class Fabric:
    """What a network library's own log tells of the fabric; the default is what is known without one."""

    name: str = UNKNOWN_FABRIC
    verdict: str = Verdict.UNKNOWN
    reason: str = "imported: nothing in the log proves a fabric"
    evidence_json: str = "{}"


@dataclass(frozen=True, slots=True)
class Import:
    """A parsed run and what is known of it from outside: its cluster, and when its file was last changed."""

    run: ParsedRun
    cluster: str
    file_changed_at: datetime
    fabric: Fabric

    @property
    def digest(self) -> str:
        """Return 32 hex digits for the run's text."""
        return blake2b(f"{self.run.source}\n{self.run.text}".encode(), digest_size=_DIGEST_BYTES).hexdigest()

    @property
    def run_id(self) -> str:
        """Return the name of the run, which follows from its text: a second import meets the first."""
        return f"import-{self.digest[:16]}"

    @property
    def reason(self) -> str:
        """Return why the run ended early, in the words of another program: cut, and without users of URLs."""
        return redact_text(self.run.reason)[:_LONGEST_REASON]

    @property
    def started_at(self) -> datetime:
        """Return when the run began; the tools print local time without a zone, which is taken as UTC."""
        told = self.run.started_at
        return self.file_changed_at if told is None else told if told.tzinfo else told.replace(tzinfo=UTC)

    @property
    def ended_at(self) -> datetime:
        """Return when the run ended, or its start where nothing tells."""
        told = self.run.ended_at
        return self.started_at if told is None else told if told.tzinfo else told.replace(tzinfo=UTC)


def point_rows(found: Import) -> list[Row]:
    """Return one row for each parsed point, in the order of the text."""
    common = _common(found)
    return [common | _point_row(found, point, place) for place, point in enumerate(found.run.points)]


def run_row(found: Import) -> Row:
    """Return the row that stands for the run."""
    run = found.run
    text = _environment_json(found)
    return {
        **dict.fromkeys(SCHEMAS["runs"].names),
        **dict.fromkeys(_ENVIRONMENT_TEXT, ""),
        "schema_version": SCHEMA_VERSION,
        "run_id": found.run_id,
        "session": 0,
        "started_at": found.started_at,
        "ended_at": found.ended_at,
        "suite": SUITE,
        "suite_hash": "",
        "suite_toml": "",
        "purpose": PURPOSE,
        "cluster": found.cluster,
        "backend": run.backend,
        "world_size": run.world_size,
        "launcher": "",
        "argv": [],
        "exit_state": run.exit_state,
        "reason": found.reason,
        "points_planned": run.points_planned,
        "points_final": len(run.points),
        "hosts": [host.hostname for host in run.hosts],
        "env_id": identity.env_id(text),
        "environment_json": text,
        "source": run.source,
        "source_digest": found.digest,
        "scheduler": "",
        "job_id": "",
        "fabric_verdict": str(found.fabric.verdict),
        "evidence_json": found.fabric.evidence_json,
    }


def _environment_json(found: Import) -> str:
    run = found.run
    hosts = tuple(
        HostFacts(host.hostname, ranks=host.ranks, gpus=host.gpus, nccl_version=run.nccl_version) for host in run.hosts
    )
    about = {
        "imported_by": f"commbench {__version__}",
        "started_at_from": "the log, taken as UTC" if run.started_at else "the file's time of change",
        **run.extra,
    }
    facts = {**asdict(Environment("", "", hosts)), "import": about}
    return json.dumps(facts, sort_keys=True, separators=(",", ":"))


def _common(found: Import) -> Row:
    run = found.run
    nodes = run.nodes
    ranks = {rank: host.hostname for host in run.hosts for rank in host.ranks}
    return {
        **dict.fromkeys(SCHEMAS["points"].names),
        **dict.fromkeys((*_NO_TEXT, *_ENVIRONMENT_TEXT), ""),
        "schema_version": SCHEMA_VERSION,
        "run_id": found.run_id,
        "session": 0,
        "attempt": 0,
        "started_at": found.started_at,
        "purpose": PURPOSE,
        "suite": SUITE,
        "cluster": found.cluster,
        "world_size": run.world_size,
        "nodes": nodes,
        "ranks_per_node": run.world_size // nodes if nodes else None,
        "backend": run.backend,
        "fabric": found.fabric.name,
        "fabric_verdict": str(found.fabric.verdict),
        "fabric_reason": found.fabric.reason,
        "cadence": run.cadence,
        "launch": run.launch,
        "traffic_skew": 0.0,
        "warmup_iterations": run.warmup_iterations,
        "converged": False,
        "launch_index": 0,
        "block": 0,
        "placement": "",
        "gradients": "",
        "shared_gpu": run.shared_gpu,
        "is_simulated": False,
        "hosts_id": identity.hosts_id([ranks[rank] for rank in sorted(ranks)]),
        "hosts": [host.hostname for host in run.hosts] or None,
        "env_id": identity.env_id(_environment_json(found)),
        "nccl_version": run.nccl_version,
        "source": run.source,
        "source_digest": found.digest,
    }


def _point_row(found: Import, point: ParsedPoint, place: int) -> Row:
    run = found.run
    extra = {**point.extra, **({"variant": point.variant} if point.variant else {})}
    return {
        "point_id": place,
        "series_id": _series_id(found, point),
        "collective": point.collective,
        "size_bytes": point.size_bytes,
        "requested_bytes": point.requested_bytes,
        "count": point.count,
        "dtype": point.dtype,
        "redop": point.redop,
        "in_place": point.in_place,
        "status": point.status,
        "error": point.error if point.status == WRONG else "",
        "wrong_count": point.wrong_count,
        "iterations": point.iterations,
        **point.times,
        **_bandwidths(point, run.world_size),
        "printed_time_us": point.printed.time_us,
        "printed_algbw_gb_s": point.printed.algbw_gb_s,
        "printed_busbw_gb_s": point.printed.busbw_gb_s,
        "time_digits": point.printed.digits,
        "extra_json": json.dumps(extra, sort_keys=True),
    }


def _bandwidths(point: ParsedPoint, world_size: int) -> Row:
    """Return the bandwidths that follow from the mean time: what is printed as 0.00 has digits again."""
    factor = bus_factor(point.collective, world_size)
    time_us = point.times.get("elapsed_mean_us")
    if not time_us or factor is None:
        return {}
    time_ns = time_us * NS_PER_US
    return {
        "algbw_mean_gb_s": algbw_gb_s(point.size_bytes, time_ns),
        "busbw_mean_gb_s": busbw_gb_s(point.size_bytes, time_ns, factor),
    }


def _series_id(found: Import, point: ParsedPoint) -> str:
    run = found.run
    variables = Point(
        point_id=0,
        collective=point.collective,
        requested_bytes=point.requested_bytes,
        size_bytes=point.size_bytes,
        count=point.count or 0,
        dtype=point.dtype,
        redop=point.redop,
        world_size=run.world_size,
        nodes=run.nodes or 0,
        in_place=point.in_place,
        backend=run.backend,
        fabric=found.fabric.name,
        cadence=run.cadence,
        launch=run.launch,
        traffic_skew=0.0,
        memory_bytes=0,
        estimate_s=0.0,
        shared_gpu=run.shared_gpu,
    )
    # The list and the single form of a call are different measurements (4.5 times apart: docs/import.md).
    return identity.series_id(variables, found.cluster, source=f"{run.source} {point.variant}".strip())
