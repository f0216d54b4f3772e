"""What a run was measured on: facts of every host, without secrets."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HostFacts:
    """One host, as the ranks on it saw it. Empty strings and zeros mean: could not be read."""

    hostname: str
    ranks: tuple[int, ...] = ()
    clock_id: str = ""  # equal on processes that read the same monotonic clock
    kernel: str = ""
    cpu_model: str = ""
    cpu_count: int = 0
    memory_bytes: int = 0
    gpus: tuple[str, ...] = ()
    driver_version: str = ""
    python_version: str = ""
    torch_version: str = ""
    cuda_version: str = ""
    nccl_build_version: str = ""
    nccl_version: str = ""  # of the library that was loaded, not of the headers
    nccl_library: str = ""
    variables: dict[str, str] = field(default_factory=dict)  # allow-listed environment variables only
    conf_files: dict[str, str] = field(default_factory=dict)  # path of each NCCL conf file -> its text
    mtus: dict[str, int] = field(default_factory=dict)  # of each network interface that is a device, in bytes


@dataclass(frozen=True, slots=True)
class Environment:
    """All hosts of a run and the commbench that measured them."""

    commbench_version: str
    commbench_commit: str
    hosts: tuple[HostFacts, ...]
