"""Find out what tool wrote a file, and read its runs."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from commbench.errors import UsageError
from commbench.importers import nccl_debug, nccl_tests, nccl_tests_json, osu, param
from commbench.importers.lines import clean_lines
from commbench.importers.parsed import Hints, ParsedRun

MAX_FILE_BYTES = 512 * 2**20  # a log of a million rows has 150 MB; what is larger is no benchmark's output


class _Format(NamedTuple):
    name: str
    looks_like: Callable[[str], bool]
    parse: Callable[[str, Hints], list[ParsedRun]]


_FORMATS = (
    _Format("nccl-tests' JSON (-J)", nccl_tests_json.looks_like, nccl_tests_json.parse),
    _Format("nccl-tests' table (# size count type ... busbw)", nccl_tests.looks_like, nccl_tests.parse),
    _Format("PARAM's table (COMMS-RES)", param.looks_like, param.parse),
    _Format("OSU's titles (# OSU MPI ... Latency Test)", osu.looks_like, osu.parse),
)
LOOKED_FOR = ", ".join([*(each.name for each in _FORMATS), "NCCL's debug log (NCCL INFO)"])


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        UsageError: it is no regular file, cannot be read, or is larger than MAX_FILE_BYTES.
    """
    try:
        if not path.is_file():
            raise UsageError("it is no file" if path.exists() else "there is no such file")
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UsageError(f"it cannot be read: {error.strerror or error}") from error
    if len(data) > MAX_FILE_BYTES:
        raise UsageError(f"it is larger than {MAX_FILE_BYTES // 2**20} MiB; cut out the benchmark's part")
    return data.decode("utf-8", errors="replace")


def read_runs(text: str, hints: Hints) -> list[ParsedRun]:
    """Return the runs in the text, of whatever tool; a text may hold the output of several.

    A debug log of NCCL is a run by itself only where there is no other, or where the hints say whose evidence it is.

    Raises:
        UsageError: there is none, or one lacks what only the user can tell.
    """
    log = "\n".join(clean_lines(text))
    if hints.of_run:
        if not nccl_debug.looks_like(log):
            raise UsageError(
                "--run takes NCCL's debug logs; no line with NCCL INFO in it tells a device, connection or version"
            )
        return [nccl_debug.parse(log, hints.of_run)]
    for each in _FORMATS[:1]:
        if each.looks_like(text):
            return each.parse(text, hints)
    runs = [run for each in _FORMATS[1:] if each.looks_like(text) for run in each.parse(text, hints)]
    if not runs and nccl_debug.looks_like(log):
        return [nccl_debug.parse(log)]
    if not runs:
        raise UsageError(f"there is no result in it; looked for {LOOKED_FOR}")
    return runs
