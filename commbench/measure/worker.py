"""The program every rank runs, whoever starts it: `python -m commbench.measure.worker JOURNAL_FOLDER`.

It reads its rank from the launcher's environment. Only rank 0 needs the journal's folder; the others are told
the plan by rank 0, so they need no shared file system.
"""

import json
import os
import sys
import threading
import time
import traceback
from contextlib import ExitStack
from pathlib import Path

from commbench.backend import StoreMeeting, open_backend
from commbench.environment.noise import NoiseGauge
from commbench.environment.place import BOARDS, CONTROLLED, LOCATE, PROBE, VARIABLES, Place, find_place
from commbench.environment.schedstat import RunQueueWait
from commbench.environment.shared_output import tell
from commbench.errors import CommbenchError, ExitCode, UsageError
from commbench.journal.folder import JournalFolder
from commbench.journal.packed_text import packed
from commbench.journal.plan_json import from_json, to_json
from commbench.journal.read import read_journal
from commbench.journal.write import JournalWriter
from commbench.measure.align import open_alignment
from commbench.measure.carrier import take_fabric
from commbench.measure.locate import FlowMeter, follow, lead
from commbench.measure.perform import Performer
from commbench.measure.probe import listening, probe
from commbench.measure.progress import ProgressBoard
from commbench.measure.session import Leader, RankSession, Todo, facts_of_all


def run_rank(folder: JournalFolder, place: Place) -> None:
    """Measure what is left of a run, as one of its ranks."""
    meeting = StoreMeeting(place)
    _take_part(folder, place, meeting)
    meeting.leave()


def _take_part(folder: JournalFolder, place: Place, meeting: StoreMeeting) -> None:
    with ExitStack() as stack:
        writer: JournalWriter | None = None
        todo: Todo = ()
        if place.rank == 0:
            writer = stack.enter_context(JournalWriter(folder))
            journal = read_journal(folder)
            meeting.announce("variables", os.environ.get(VARIABLES, "{}"))
            meeting.announce("plan", to_json(journal.plan))
            todo = journal.next_launch()
            meeting.announce("points", json.dumps([point_id for point_id, _ in todo]))
            meeting.announce("fabric", journal.plan.points[todo[0][0]].fabric if todo else "")
        os.environ.update(json.loads(meeting.hear("variables")))
        log = stack.enter_context(listening()) if os.environ.get(PROBE) else None
        plan = from_json(meeting.hear("plan"))
        fabric = meeting.hear("fabric")
        traffic = take_fabric(plan, fabric, counts=place.local_rank == 0)
        backend = open_backend(plan, meeting)
        stack.callback(backend.close)
        ranks = facts_of_all(backend)
        board = ProgressBoard(_boards(folder), place.rank)
        if os.environ.get(LOCATE):
            meter = FlowMeter(plan, backend, meeting, board)
            follow(meter, traffic) if writer is None else lead(meter, traffic, writer, folder.stop.exists, ranks)
            return
        alignment = stack.enter_context(open_alignment(plan, backend, meeting, ranks))
        performer = Performer(plan.protocol, backend, board, alignment, NoiseGauge(), RunQueueWait(), traffic)
        session = RankSession(plan, backend, meeting, performer)
        if log is not None:
            said = probe(plan, backend, json.loads(meeting.hear("points")), log)
            if writer is not None:
                writer.write("probe", fabric=fabric, log=packed(said), at_ns=time.time_ns())
        elif writer is None:
            session.follow()
        else:
            Leader(session, writer, folder.stop.exists, journal.probe_of(fabric)).lead(todo, ranks)


def _boards(folder: JournalFolder) -> Path | None:
    if BOARDS in os.environ:
        return Path(os.environ[BOARDS])
    return folder.progress if folder.path.is_dir() else None


def main(arguments: list[str]) -> int:
    """Run one rank and return its exit code."""
    try:
        folder, place = _arguments(arguments)
        if os.environ.get(CONTROLLED):
            threading.Thread(target=_die_with_controller, daemon=True).start()
        return _run_named(folder, place)
    except CommbenchError as error:
        tell(f"commbench: {error}")
        return error.exit_code


def _arguments(arguments: list[str]) -> tuple[JournalFolder, Place]:
    place = find_place(os.environ)
    if place is None or len(arguments) != 1:
        raise UsageError("usage: python -m commbench.measure.worker JOURNAL_FOLDER, under torchrun, srun or mpirun")
    return JournalFolder(Path(arguments[0])), place


def _run_named(folder: JournalFolder, place: Place) -> int:
    """Run the rank; whatever it raises is printed with its number in front and, at the end, in one line."""
    try:
        run_rank(folder, place)
    except CommbenchError:
        raise
    except Exception as error:  # noqa: BLE001 - Python's own exit code for it is 1, which means that a gate said no
        lines = traceback.format_exc().splitlines()
        last = f"{type(error).__name__}: {' '.join(str(error).split())}"
        tell("\n".join(f"[rank{place.rank}]: {line}" for line in [*lines, *([last] if lines[-1] != last else [])]))
        return ExitCode.RANK
    return ExitCode.OK


def _die_with_controller() -> None:
    """End this rank when standard input does; a thread that waits in the kernel and costs nothing until then."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(ExitCode.RANK)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
