"""The command that starts the ranks, for each engine, and the environment they get."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from commbench.environment.place import CONTROLLED

_WORKER = "commbench.measure.worker"
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class LaunchCommand:
    """What to execute, and the name of the engine behind it.

    `can_repeat` is False where somebody else has started the ranks, who must do so again for another launch.
    """

    launcher: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    can_repeat: bool = True


def local_ranks(world_size: int, folder: Path) -> LaunchCommand:
    """Return the command that starts all ranks on this host through torch elastic, in one attempt."""
    arguments = (
        *(sys.executable, "-m", "torch.distributed.run"),
        *("--standalone", "--local-addr", _LOOPBACK),
        *("--nproc-per-node", str(world_size), "--max-restarts", "0"),
        *("-m", _WORKER, str(folder)),
    )
    environment = _rank_environment()
    # All ranks are on this host. Without a name gloo asks the resolver for the host's own, which may not answer.
    environment.setdefault("GLOO_SOCKET_IFNAME", "lo")
    return LaunchCommand("torchrun-local", arguments, environment)


def this_rank(launcher: str, folder: Path) -> LaunchCommand:
    """Return the command of one rank whose place some launcher has already put into our environment."""
    return LaunchCommand(launcher, (sys.executable, "-m", _WORKER, str(folder)), _rank_environment(), can_repeat=False)


def _rank_environment() -> dict[str, str]:
    return {
        **os.environ,
        CONTROLLED: "1",
        "OMP_NUM_THREADS": "1",  # a rank is one core; torchrun would set this too, with a warning
        "PYTHONUNBUFFERED": "1",
    }
