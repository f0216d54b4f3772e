"""A run: one plan measured in one or more sessions, and the record that goes to the store."""

from dataclasses import dataclass
from enum import StrEnum

from commbench.model.environment import Environment
from commbench.model.plan import Plan
from commbench.model.result import PointResult


class ExitState(StrEnum):
    """How a session of a run ended."""

    COMPLETE = "complete"  # every point is final and right
    WRONG = "wrong_result"  # complete, and at least one result was wrong
    CONTRADICTED = "contradicted"  # complete, and some fabric did not carry the bytes that its label claims
    PARTIAL = "partial"  # one launch of several is done; somebody else must start the next
    INTERRUPTED = "interrupted"
    FAILED = "failed"  # a rank died or hung
    KILLED = "killed"  # the controller vanished; found and published by a later one


@dataclass(frozen=True, slots=True)
class Session:
    """One sitting of a run: everything between two starts of the controller.

    `scheduler` and `job_id` name the job that it was part of, both empty outside of any.
    """

    run_id: str
    session: int
    started_at_ns: int
    ended_at_ns: int
    launcher: str
    argv: tuple[str, ...]
    cluster: str
    purpose: str
    exit_state: ExitState
    reason: str = ""
    scheduler: str = ""
    job_id: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """What one session adds to the store: its plan, environment and the points that it finished.

    `evidence_json` is a JSON object: by fabric, what the network library said of itself in a probe.
    """

    session: Session
    plan: Plan
    environment: Environment
    results: tuple[PointResult, ...]
    evidence_json: str = "{}"
