"""The folder of one run's journal: which file is which."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class JournalFolder:
    """Names inside `<store>/_journal/<run_id>/`."""

    path: Path

    @property
    def run_id(self) -> str:
        """Return the run that this journal belongs to."""
        return self.path.name

    @property
    def plan(self) -> Path:
        """Return the plan, written once."""
        return self.path / "plan.json"

    @property
    def lines(self) -> Path:
        """Return the lines, appended by one process at a time."""
        return self.path / "journal.jsonl"

    @property
    def lock(self) -> Path:
        """Return the file whose lock says that somebody is measuring this run."""
        return self.path / "lock"

    @property
    def stop(self) -> Path:
        """Return the file whose presence asks the ranks to stop after the point they are at."""
        return self.path / "stop"

    @property
    def progress(self) -> Path:
        """Return the folder of the ranks' progress boards."""
        return self.path / "progress"

    def launch_log(self, session: int) -> Path:
        """Return what the launcher and the ranks printed in a session."""
        return self.path / f"launch-s{session}.log"
