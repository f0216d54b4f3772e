"""Where this process stands in a launch: its rank, whichever launcher started it.

The innermost launcher wins, so torchrun inside srun is torchrun, and mpirun inside an allocation is Open MPI
although Slurm's variables are there too. Names: torch elastic's documentation, Open MPI 4 and 5, MPICH's PMI,
Slurm's srun(1).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from commbench.errors import UsageError

_FIRST_PORT = 20_000
_PORTS = 10_000

# Set by the controlling process: its end of a rank's standard input closes when it dies, and so must the rank.
CONTROLLED = "COMMBENCH_CONTROLLED"
# Variables that rank 0 must tell the other ranks, as JSON: in a launch that somebody else started nobody else can.
VARIABLES = "COMMBENCH_VARIABLES"
# Set for a launch that times nothing and keeps the network library's log: see measure/probe.py.
PROBE = "COMMBENCH_PROBE"
# Set for a launch that searches slow links instead of measuring points: see measure/locate.py.
LOCATE = "COMMBENCH_LOCATE"
# Where a rank puts its progress board on a host whose keeper made a folder for that.
BOARDS = "COMMBENCH_BOARDS"
# A socket that rank 0 inherits from who starts it, already listening on the port where the ranks meet.
MEETING_FD = "COMMBENCH_MEETING_FD"


@dataclass(frozen=True, slots=True)
class Place:
    """One process of a launch, and where all of them meet; `nodes` is on how many hosts they are."""

    launcher: str
    rank: int
    world_size: int
    local_rank: int
    master_addr: str
    master_port: int
    nodes: int = 1

    def as_variables(self) -> dict[str, str]:
        """Return the place under the names torch.distributed reads."""
        return {
            "RANK": str(self.rank),
            "WORLD_SIZE": str(self.world_size),
            "LOCAL_RANK": str(self.local_rank),
            "MASTER_ADDR": self.master_addr,
            "MASTER_PORT": str(self.master_port),
        }


# launcher, then its names for rank, world size and local rank
_NAMES = (
    ("torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK"),
    ("openmpi", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
    ("pmi", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"),
    ("slurm", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"),
)


def find_place(environ: Mapping[str, str]) -> Place | None:
    """Return where this process stands, or None when no launcher started it.

    Raises:
        UsageError: a launcher's variables are there but make no sense, or ranks on other hosts could not be found.
    """
    for launcher, rank, world_size, local_rank in _NAMES:
        if rank in environ and world_size in environ:
            try:
                numbers = int(environ[rank]), int(environ[world_size]), int(environ.get(local_rank, "0"))
                port = _port(environ)
            except ValueError as error:
                names = f"{rank}, {world_size}, {local_rank} and MASTER_PORT"
                raise UsageError(f"{names} must be numbers: {error}") from error
            if not 0 <= numbers[0] < numbers[1]:
                raise UsageError(f"{rank}={numbers[0]} is no rank of a world of {world_size}={numbers[1]}")
            return Place(
                launcher, *numbers, _address(launcher, environ, numbers[1]), port, _nodes(launcher, environ, numbers[1])
            )
    return None


# How many ranks each host has; Slurm tells the number of hosts instead.
_LOCAL_SIZES = {"torchrun": "LOCAL_WORLD_SIZE", "openmpi": "OMPI_COMM_WORLD_LOCAL_SIZE", "pmi": "MPI_LOCALNRANKS"}


def _nodes(launcher: str, environ: Mapping[str, str], world_size: int) -> int:
    """Return on how many hosts the ranks are; 1 where the launcher does not say."""
    if launcher == "slurm":
        told = environ.get("SLURM_STEP_NUM_NODES", environ.get("SLURM_NNODES", ""))
        return int(told) if told.isdigit() and int(told) else 1
    told = environ.get(_LOCAL_SIZES[launcher], "")
    return -(-world_size // int(told)) if told.isdigit() and int(told) else 1


def _address(launcher: str, environ: Mapping[str, str], world_size: int) -> str:
    if "MASTER_ADDR" in environ:
        return environ["MASTER_ADDR"]
    nodes = environ.get("SLURM_STEP_NODELIST", environ.get("SLURM_JOB_NODELIST", ""))
    if nodes:
        return _first_host(nodes)
    local_size = environ.get("OMPI_COMM_WORLD_LOCAL_SIZE", environ.get("MPI_LOCALNRANKS", str(world_size)))
    if int(local_size) < world_size:
        raise UsageError(
            f"{launcher} started ranks on several hosts and does not say where rank 0 is; "
            "export MASTER_ADDR (a name of rank 0's host) and MASTER_PORT to all ranks"
        )
    return "127.0.0.1"


def _port(environ: Mapping[str, str]) -> int:
    """Return the port where all ranks meet: the same on every rank, another for every job on the same host."""
    if "MASTER_PORT" in environ:
        return int(environ["MASTER_PORT"])
    job = environ.get("SLURM_JOB_ID", environ.get("PMIX_NAMESPACE", environ.get("OMPI_MCA_ess_base_jobid", "")))
    digits = re.sub(r"\D", "", job.partition("@")[0]) or "0"
    return _FIRST_PORT + (int(digits) + int(environ.get("SLURM_STEP_ID", "0") or 0)) % _PORTS


def _first_host(nodelist: str) -> str:
    """Return the first host of a Slurm node list such as `cbh[0-3,7],x9`."""
    depth = 0
    for position, letter in enumerate(nodelist):
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
            nodelist = nodelist[:position]
            break
    return re.sub(r"\[([0-9]+)[^\]]*\]", r"\1", nodelist)
