"""What a launch is asked for, and what every engine's running launch can answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from commbench.journal.folder import JournalFolder


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """One launch of a run: `variables` reach every rank on every host, `hosts` are all of the engine's when empty."""

    folder: JournalFolder
    variables: Mapping[str, str] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()


class Launched(Protocol):
    """Ranks that somebody has started and must end."""

    def poll(self) -> int | None:
        """Return the exit code, 0 when all went well, or None while ranks run."""

    def why_dead(self, exit_code: int, during: str) -> str:
        """Return a sentence naming the rank or host that failed first, and why."""

    def who_is_silent(self, ranks: int) -> str:
        """Return a sentence naming whom the first `ranks` ranks are waiting for."""

    def who_is_missing(self) -> str:
        """Return a sentence saying why the ranks have not come together."""

    def end(self) -> None:
        """Leave no process behind."""


class Command(Protocol):
    """One launch, ready to start; `start_limit_s` is how long its ranks may take to come together."""

    @property
    def start_limit_s(self) -> float | None:
        """Return the limit in seconds, or None for the usual one."""

    def start(self, folder: JournalFolder, log: Path) -> Launched:
        """Start the ranks; what they print is appended to the log."""


class Engine(Protocol):
    """Something that can start ranks; `can_repeat` is False where somebody else has started them."""

    @property
    def launcher(self) -> str:
        """Return the engine's name as it is recorded."""

    @property
    def can_repeat(self) -> bool:
        """Return whether it can start another launch."""

    def prepare(self, request: LaunchRequest) -> Command:
        """Return a launch of its own: fresh processes, a fresh port."""
