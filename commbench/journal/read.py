"""Read a journal back: what a run has, what is still to do, and lines as they come."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commbench.errors import StoreError
from commbench.fabric.log_summary import log_summary
from commbench.fabric.nccl_facts import NcclLog
from commbench.fabric.nccl_log import parse_nccl_log
from commbench.journal.codec import environment_from_json, result_from_json
from commbench.journal.folder import JournalFolder
from commbench.journal.packed_text import unpacked
from commbench.journal.plan_json import from_json
from commbench.model.environment import Environment
from commbench.model.plan import Plan
from commbench.model.result import PointResult
from commbench.model.run import ExitState, Record, Session


class Follower:
    """New lines of a growing file since the last look; an unfinished line waits until it is whole."""

    def __init__(self, path: Path, *, offset: int = 0) -> None:
        self._path = path
        self._offset = offset

    def new_lines(self) -> Iterator[dict[str, Any]]:
        """Yield the lines that were finished since the last call."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                text = file.read()
        except FileNotFoundError:
            return
        for line in text[: text.rfind(b"\n") + 1].splitlines(keepends=True):
            self._offset += len(line)
            yield json.loads(line)


@dataclass(frozen=True, slots=True)
class Journal:
    """Everything a run's journal says, session by session."""

    folder: JournalFolder
    plan: Plan
    sessions: tuple[tuple[dict[str, Any], ...], ...]

    @property
    def results(self) -> tuple[PointResult, ...]:
        """Return all results in the order in which they were finished."""
        return tuple(result for session in range(len(self.sessions)) for result in self.results_of(session))

    def results_of(self, session: int) -> tuple[PointResult, ...]:
        """Return the results that one session finished."""
        lines = self.sessions[session]
        return tuple(result_from_json(line["result"], self.plan) for line in lines if line["kind"] == "result")

    def todo(self) -> tuple[tuple[int, int], ...]:
        """Return (point_id, attempt) of every point without a final result, in plan order."""
        attempts = dict.fromkeys(range(len(self.plan.points)), 0)
        final = set()
        for result in self.results:
            attempts[result.point.point_id] = result.attempt + 1
            if result.status.is_final:
                final.add(result.point.point_id)
        return tuple((point_id, attempt) for point_id, attempt in attempts.items() if point_id not in final)

    def next_launch(self) -> tuple[tuple[int, int], ...]:
        """Return what is to do in the next launch: the points still to do that have the smallest launch index.

        A point that failed in this session waits for the next one, so that a launch after a failure does other work.
        """
        failed = {result.point.point_id for result in self.results_of(-1)} if self.sessions else set()
        todo = tuple(each for each in self.todo() if each[0] not in failed)
        first = min((self.plan.points[point_id].launch_index for point_id, _ in todo), default=0)
        return tuple(each for each in todo if self.plan.points[each[0]].launch_index == first)

    def lost_point(self, session: int) -> tuple[int, int, int] | None:
        """Return (point_id, attempt, started_at_ns) of a point that a session began and did not finish."""
        lost = None
        for line in self.sessions[session]:
            if line["kind"] == "started":
                lost = (line["point_id"], line["attempt"], line["at_ns"])
            elif line["kind"] == "result":
                lost = None
        return lost

    def is_ended(self, session: int) -> bool:
        """Return whether the session said how it ended."""
        return any(line["kind"] == "end" for line in self.sessions[session])

    def record(self, session: int) -> Record:
        """Return what a session gives to the store; one that was killed says so."""
        lines = self.sessions[session]
        start = next(line for line in lines if line["kind"] == "session")
        end = next((line for line in lines if line["kind"] == "end"), None)
        return Record(
            session=Session(
                run_id=self.folder.run_id,
                session=session,
                started_at_ns=start["at_ns"],
                ended_at_ns=end["at_ns"] if end else max(line.get("at_ns", 0) for line in lines),
                launcher=start["launcher"],
                argv=tuple(start["argv"]),
                cluster=start["cluster"],
                purpose=start["purpose"],
                exit_state=ExitState(end["exit_state"]) if end else ExitState.KILLED,
                reason=end["reason"] if end else "the controlling process was killed",
                scheduler=start.get("scheduler", ""),  # journals from before there were these do not have them
                job_id=start.get("job_id", ""),
            ),
            plan=self.plan,
            environment=self._environment(lines, start),
            results=self.results_of(session),
            evidence_json=json.dumps(self._evidence(lines), sort_keys=True),
        )

    def probe_of(self, fabric: str) -> NcclLog | None:
        """Return what the network library said in the probe of a fabric; None when there was none."""
        words = [line["log"] for line in self._all_lines("probe") if line["fabric"] == fabric]
        return parse_nccl_log(unpacked(words[-1])) if words else None

    def is_probed(self, fabric: str) -> bool:
        """Return whether a probe of the fabric was tried, whatever came of it."""
        return any(line["fabric"] == fabric for line in self._all_lines("probe"))

    def _all_lines(self, kind: str) -> list[dict[str, Any]]:
        return [line for session in self.sessions for line in session if line["kind"] == kind]

    @staticmethod
    def _evidence(lines: tuple[dict[str, Any], ...]) -> dict[str, object]:
        return {
            line["fabric"]: {"nccl_log": log_summary(parse_nccl_log(unpacked(line["log"])))}
            for line in lines
            if line["kind"] == "probe"
        }

    @staticmethod
    def _environment(lines: tuple[dict[str, Any], ...], start: dict[str, Any]) -> Environment:
        fields = next((line["environment"] for line in lines if line["kind"] == "environment"), start["environment"])
        return environment_from_json(fields)


def read_journal(folder: JournalFolder) -> Journal:
    """Return the journal in a folder, whatever state its writer left it in.

    Raises:
        StoreError: the plan or the lines cannot be read.
    """
    try:
        plan = from_json(folder.plan.read_text())
        lines = list(Follower(folder.lines).new_lines())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"cannot read the journal {folder.path}: {error}; delete that folder to drop the run"
        ) from error
    sessions: list[list[dict[str, Any]]] = []
    for line in lines:
        if line["kind"] == "session":
            sessions.append([])
        if sessions:
            sessions[-1].append(line)
    return Journal(folder, plan, tuple(tuple(session) for session in sessions))
