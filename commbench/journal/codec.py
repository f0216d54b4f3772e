"""Results and environments to and from JSON lines; samples packed, exact to the nanosecond."""

import base64
import zlib
from dataclasses import asdict
from typing import Any

import numpy as np

from commbench.model.environment import Environment, HostFacts
from commbench.model.evidence import Evidence
from commbench.model.plan import Plan
from commbench.model.result import Correctness, PointResult, Samples, Status


def result_to_json(result: PointResult) -> dict[str, Any]:
    """Return a result as JSON values; its point is named by id, since the plan holds it."""
    fields = {name: getattr(result, name) for name in PointResult.__dataclass_fields__}
    fields["point"] = result.point.point_id
    fields["status"] = result.status.value
    fields["correctness"] = asdict(result.correctness)
    fields["hosts"] = list(result.hosts)
    fields["visit_calls"] = list(result.visit_calls)
    fields["samples"] = None if result.samples is None else _pack(result.samples)
    fields["evidence"] = None if result.evidence is None else asdict(result.evidence)
    return fields


def result_from_json(fields: dict[str, Any], plan: Plan) -> PointResult:
    """Return the result that `result_to_json` wrote, with its point from the plan."""
    evidence = fields.get("evidence")  # journals from before there was any do not have it
    return PointResult(
        **{
            **fields,
            "point": plan.points[fields["point"]],
            "status": Status(fields["status"]),
            "correctness": Correctness(**fields["correctness"]),
            "hosts": tuple(fields["hosts"]),
            "visit_calls": tuple(fields["visit_calls"]),
            "samples": None if fields["samples"] is None else _unpack(fields["samples"]),
            "evidence": None if evidence is None else Evidence(**evidence),
        }
    )


def environment_from_json(fields: dict[str, Any]) -> Environment:
    """Return the environment whose `asdict` was written."""
    return Environment(**{**fields, "hosts": tuple(host_from_json(host) for host in fields["hosts"])})


def host_from_json(fields: dict[str, Any]) -> HostFacts:
    """Return the facts of a host whose `asdict` was written."""
    return HostFacts(**{**fields, "ranks": tuple(fields["ranks"]), "gpus": tuple(fields["gpus"])})


def _pack(samples: Samples) -> dict[str, Any]:
    stamps = samples.stacked().astype("<i8")
    # Differences are small numbers and compress well; the sum brings the stamps back exactly.
    differences = np.diff(stamps, axis=2, prepend=0)
    return {"shape": list(stamps.shape), "zlib": base64.b64encode(zlib.compress(differences.tobytes(), 1)).decode()}


def _unpack(packed: dict[str, Any]) -> Samples:
    raw = zlib.decompress(base64.b64decode(packed["zlib"]))
    return Samples(*np.cumsum(np.frombuffer(raw, dtype="<i8").reshape(packed["shape"]), axis=2))
