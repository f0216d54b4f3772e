"""Where each run of nccl-tests begins and ends in a log, and what its lines other than the table say."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from commbench.importers.names import PROGRAMS
from commbench.importers.nccl_tests_rows import Header, is_piece, read_header, starts_row

_VERSION = re.compile(r"#\s*nccl-tests version (\S+)(?:.*nccl-library=(\d+))?")
_STARTING = re.compile(r"#\s*Collective test starting: (\S+)")
_PARAMETERS = re.compile(r"#\s*nThread \d+ nGpus \d+ minBytes ")
_DEVICE = re.compile(
    r"#\s*Rank\s+(?P<rank>\d+)\s+(?:Group\s+(?P<group>\d+)\s+)?Pid\s+\d+ on\s+(?P<host>\S+) device\s+(?P<device>\d+) "
    r"\[(?P<bus>[^\]]*)\]\s*(?P<gpu>.*)"
)
_DEVICES = re.compile(r"#\s*Using devices")
_LIMIT = re.compile(r"#\s*Reducing maxBytes to (\d+)")
_BOUNDS = re.compile(r"#\s*Out of bounds values\s*: (\d+)")
_BANDWIDTH = re.compile(r"#\s*Avg bus bandwidth\s*: (\S+)")
_CONCLUDED = re.compile(r"#\s*Collective test concluded")
_NCCL = re.compile(r"\bNCCL version (\d+\.\d+\.\d+)")
_PARAMETER = re.compile(r"(nThread|nGpus|minBytes|maxBytes|warmup iters|agg iters|iters|validation|graph):? (-?\d+)")
_STEP = re.compile(r"step: (\d+)\((factor|bytes)\)")
_BLOCKING = re.compile(r"#\s*Blocking Enabled")
_COMMAND = re.compile(rf"\b({'|'.join(PROGRAMS)})_perf\b|\s-t\s+({'|'.join(PROGRAMS)})\b")
# What ends a run, as nccl-tests, MPI and Slurm say it.
_FAILURE = re.compile(
    r"Test (?:NCCL|CUDA) failure|: Test failure |Test timeout \(|Invalid number of GPUs|MPI_ABORT was invoked|"
    r"mpirun noticed that process|srun: error:|DUE TO TIME LIMIT|Segmentation fault|slurmstepd: error:|Bus error"
)

# The order in which a run prints; a line of an earlier phase than the last one begins another run.
_VERSION_PHASE, _NAME_PHASE, _PARAMETER_PHASE, _DEVICE_PHASE, _TABLE_PHASE, _FOOTER_PHASE = range(6)


@dataclass(frozen=True, slots=True)
class Device:
    """One line of the device list."""

    rank: int
    host: str
    device: int
    bus: str
    gpu: str


@dataclass(frozen=True, slots=True)
class RawRun:
    """The lines of one run; `before` are those between the run before it and its first line."""

    before: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the lines around the table say; 0 and empty where they do not."""

    program: str
    command: str
    tests_version: str
    nccl_version: str
    nccl_code: int
    parameters: dict[str, int]
    step: tuple[int, bool]  # and whether sizes are multiplied by it
    limit_bytes: int | None
    devices: tuple[Device, ...]
    is_blocking: bool
    out_of_bounds: int | None
    average_busbw: str
    failure: str


def split_runs(lines: Sequence[str]) -> list[RawRun]:
    """Return the runs of a log in their order."""
    starts: list[int] = []
    ends: list[int] = []
    last = _FOOTER_PHASE
    for place, line in enumerate(lines):
        phase = _phase(line)
        if phase is None:
            is_of_table = last == _TABLE_PHASE and (starts_row(line) or is_piece(line))
            if starts and (is_of_table or _FAILURE.search(line)):
                ends[-1] = place + 1
            continue
        if phase < last or phase == last < _DEVICE_PHASE or phase == last == _TABLE_PHASE or not starts:
            if phase == _FOOTER_PHASE:
                continue  # a footer without a run
            starts.append(place)
            ends.append(place + 1)
        ends[-1] = place + 1
        last = phase
    after = [0, *ends]
    return [
        RawRun(tuple(lines[after[i] : start]), tuple(lines[start:end]))
        for i, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]


def _phase(line: str) -> int | None:
    if "#" not in line:
        return None
    for pattern, phase in (
        (_VERSION, _VERSION_PHASE),
        (_STARTING, _NAME_PHASE),
        (_PARAMETERS, _PARAMETER_PHASE),
        (_DEVICES, _DEVICE_PHASE),
        (_DEVICE, _DEVICE_PHASE),
        (_LIMIT, _DEVICE_PHASE),
    ):
        if pattern.search(line):
            return phase
    if read_header(line) is not None:
        return _TABLE_PHASE
    return _FOOTER_PHASE if _BOUNDS.search(line) or _BANDWIDTH.search(line) or _CONCLUDED.search(line) else None


def table_of(raw: RawRun) -> tuple[Header | None, list[str]]:
    """Return the columns of a run's table and the lines below them, or None for a run that never came so far."""
    for place, line in enumerate(raw.lines):
        header = read_header(line)
        if header is not None:
            return header, list(raw.lines[place + 1 :])
    return None, []


def read_facts(raw: RawRun) -> Facts:
    """Return what the lines around the table say."""
    text = "\n".join(raw.lines)
    version, starting = _VERSION.search(text), _STARTING.search(text)
    line = next((line for line in raw.lines if _PARAMETERS.search(line)), "")
    step = _STEP.search(line)
    limit, bounds, bandwidth = _LIMIT.search(text), _BOUNDS.search(text), _BANDWIDTH.search(text)
    nccl = _NCCL.search(text)
    return Facts(
        program=starting[1].rpartition("/")[2].removesuffix("_perf") if starting else "",
        command=_command(raw.before),
        tests_version=version[1] if version else "",
        nccl_version=nccl[1] if nccl else "",
        nccl_code=int(version[2]) if version and version[2] else 0,
        parameters={name: int(value) for name, value in _PARAMETER.findall(line)},
        step=(int(step[1]), step[2] == "factor") if step else (0, False),
        limit_bytes=int(limit[1]) if limit else None,
        devices=_devices(raw.lines),
        is_blocking=_BLOCKING.search(text) is not None,
        out_of_bounds=int(bounds[1]) if bounds else None,
        average_busbw=bandwidth[1] if bandwidth else "",
        failure=next((line.strip() for line in raw.lines if _FAILURE.search(line)), ""),
    )


def _command(before: Sequence[str]) -> str:
    """Return the program that the last command before a run names."""
    for line in reversed(before):
        match = _COMMAND.search(line)
        if match:
            return match[1] or match[2]
    return ""


def _devices(lines: Sequence[str]) -> tuple[Device, ...]:
    found = (_DEVICE.search(line) for line in lines)
    return tuple(
        Device(int(match["rank"]), match["host"], int(match["device"]), match["bus"], match["gpu"].strip())
        for match in found
        if match
    )
