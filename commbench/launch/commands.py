"""Launches that are one process here: all ranks on this host, or this rank of somebody else's launch."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from commbench.environment.place import CONTROLLED, VARIABLES
from commbench.journal.folder import JournalFolder
from commbench.launch.launched import LaunchRequest
from commbench.launch.local import LocalLaunch

LOCAL = "local"
WORKER = "commbench.measure.worker"
_RANKS = "commbench.launch.ranks"

# What every rank gets, whichever engine starts it.
RANK_VARIABLES = {
    CONTROLLED: "1",
    "OMP_NUM_THREADS": "1",  # a rank is one core
    "PYTHONUNBUFFERED": "1",
}


@dataclass(frozen=True, slots=True)
class LaunchCommand:
    """What to execute, and the name of the engine behind it.

    `can_repeat` is False where somebody else has started the ranks, who must do so again for another launch.
    """

    launcher: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    can_repeat: bool = True
    start_limit_s: float | None = None

    def prepare(self, request: LaunchRequest) -> "LaunchCommand":
        """Return the same command with a launch's variables, which win over those of this process."""
        handed_on = {} if self.can_repeat else {VARIABLES: json.dumps(dict(request.variables))}
        return replace(self, environment={**self.environment, **request.variables, **handed_on})

    def start(self, folder: JournalFolder, log: Path) -> LocalLaunch:
        """Start the process; what it prints is appended to the log."""
        return LocalLaunch(self.arguments, self.environment, folder, log)


@dataclass(frozen=True, slots=True)
class LocalRanks:
    """All ranks on this host."""

    world_size: int
    start_limit_s: float | None = None
    launcher: str = LOCAL
    can_repeat: bool = True

    def prepare(self, request: LaunchRequest) -> LaunchCommand:
        """Return a launch with processes and a port of its own."""
        command = local_ranks(self.world_size, request.folder.path)
        return replace(command, start_limit_s=self.start_limit_s).prepare(request)


@dataclass(frozen=True, slots=True)
class ThisRank:
    """Rank 0 of a launch that somebody else has started, who must start the next one too."""

    launcher: str
    can_repeat: bool = False

    def prepare(self, request: LaunchRequest) -> LaunchCommand:
        """Return the command of rank 0, which tells the other ranks the launch's variables."""
        return this_rank(self.launcher, request.folder.path).prepare(request)


def local_ranks(world_size: int, folder: Path, program: Sequence[str] = ("-m", WORKER)) -> LaunchCommand:
    """Return the command that starts all ranks on this host; tests have programs of their own."""
    rank = (sys.executable, *program, str(folder))
    arguments = (sys.executable, "-m", _RANKS, str(world_size), *rank)
    # All ranks are on this host. Without a name gloo asks the resolver for the host's own, which may not answer.
    environment = {"GLOO_SOCKET_IFNAME": "lo", **os.environ, **RANK_VARIABLES}
    return LaunchCommand(LOCAL, arguments, environment)


def this_rank(launcher: str, folder: Path) -> LaunchCommand:
    """Return the command of one rank whose place some launcher has already put into our environment.

    The other ranks are already there: this one, rank 0, tells them a launch's variables.
    """
    arguments = (sys.executable, "-m", WORKER, str(folder))
    return LaunchCommand(launcher, arguments, {**os.environ, **RANK_VARIABLES}, can_repeat=False)
