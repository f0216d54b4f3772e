"""A journal of a small run, written line by line through the public writer."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from commbench.journal.codec import result_to_json
from commbench.journal.folder import JournalFolder
from commbench.journal.plan_json import to_json
from commbench.journal.read import Journal, read_journal
from commbench.journal.write import JournalWriter
from commbench.model.environment import Environment, HostFacts
from commbench.model.plan import Plan, Protocol, Stopping
from commbench.model.point import Point
from commbench.model.result import PointResult, Status

ENVIRONMENT = Environment("0.1.0", "abc", (HostFacts("node-a", ranks=(0, 1), gpus=("H200",), variables={"A": "1"}),))
POINTS = 4


def make_plan(points: int = POINTS) -> Plan:
    """Return a plan of as many all_reduces, each twice as large as the one before."""
    protocol = Protocol(Stopping("fixed", iterations=3), 1, 3, 60.0)
    sizes = [8 * 2**point_id for point_id in range(points)]
    return Plan(
        *("tiny", "hash", "text", "gloo", 2, 1),
        protocol,
        tuple(
            Point(
                *(point_id, "all_reduce", size, size, size // 4, "float32", "sum", 2, 1),
                *(True, "gloo", "tcp", "isolated", "eager", 0.0, size, 0.1),
            )
            for point_id, size in enumerate(sizes)
        ),
    )


def make_folder(path: Path, plan: Plan | None = None) -> JournalFolder:
    """Return the folder of a run whose plan is written and whose lines are not begun."""
    path.mkdir(parents=True)
    folder = JournalFolder(path)
    folder.plan.write_text(to_json(plan or make_plan()))
    return folder


class Script:
    """Writes the lines of sessions in the words of a test, with times that only grow."""

    def __init__(self, folder: JournalFolder) -> None:
        self.folder, self.plan = folder, read_journal(folder).plan
        self.now_ns = 1_000

    def write(self, kind: str, **fields: Any) -> None:
        self.now_ns += 1
        with JournalWriter(self.folder) as writer:
            writer.write(kind, **fields, at_ns=self.now_ns)

    def session(self) -> None:
        names = {"launcher": "local", "argv": ["commbench", "run"], "cluster": "lab", "purpose": "adhoc"}
        self.write("session", **names, environment=asdict(ENVIRONMENT))

    def started(self, point_id: int, attempt: int = 0) -> None:
        self.write("started", point_id=point_id, attempt=attempt)

    def result(self, point_id: int, status: Status = Status.OK, attempt: int = 0) -> None:
        result = PointResult(self.plan.points[point_id], attempt, status, time.time_ns())
        self.write("result", result=result_to_json(result))

    def end(self, exit_state: str, reason: str = "") -> None:
        self.write("end", exit_state=exit_state, reason=reason)

    def read(self) -> Journal:
        return read_journal(self.folder)
