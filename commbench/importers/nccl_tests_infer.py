"""What a log of nccl-tests does not say outright: the collective, the ranks, and the sizes that were asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

from commbench.collectives.base import ALIGNMENT_BYTES
from commbench.importers.names import PROGRAMS, bus_factor, dtype_of, element_bytes
from commbench.importers.nccl_tests_rows import Header, Row
from commbench.importers.nccl_tests_runs import Facts
from commbench.importers.numbers import number
from commbench.importers.parsed import Hints

MAX_RANKS = 1 << 14  # ranks that are tried when only the ratio of busbw to algbw tells them
_HALF_STEP = 0.005  # bandwidths are printed with two decimals, or fewer
# `reportErrors = in_place ? 0 : 1` in nccl-tests v2.9.0 to v2.19.6 src/alltoall.cu and sendrecv.cu.
_UNCHECKED_IN_PLACE = {"all_to_all", "send_recv"}
_SIZES_LIMIT = 100_000  # a sweep that long is a damaged line


@dataclass(frozen=True, slots=True)
class Inferred:
    """The collective and the ranks, and what each was read from; empty and 0 where nothing tells."""

    collective: str
    collective_from: str
    world_size: int
    world_size_from: str


def infer(facts: Facts, header: Header | None, rows: Sequence[Row], hints: Hints) -> Inferred:
    """Return collective and ranks by the strongest evidence there is."""
    by_devices = len(facts.devices)
    collective, told_by = _collective(facts, header, rows, hints, by_devices or (hints.world_size or 0))
    if by_devices:
        return Inferred(collective, told_by, by_devices, "device list")
    if hints.world_size:
        return Inferred(collective, told_by, hints.world_size, "option")
    world_size = _ranks_by_ratio(collective, rows)
    return Inferred(collective, told_by, world_size, "busbw / algbw" if world_size else "")


def _collective(
    facts: Facts, header: Header | None, rows: Sequence[Row], hints: Hints, world_size: int
) -> tuple[str, str]:
    if facts.program in PROGRAMS:
        return PROGRAMS[facts.program], "log"
    if hints.collective:
        return hints.collective, "option"
    if facts.command:
        return PROGRAMS[facts.command], "command line in the log"
    by_columns = _by_columns(header, rows, world_size)
    if len(by_columns) == 1:
        return by_columns.pop(), "columns"
    named = by_name(hints.file_name)
    if named and (not by_columns or named in by_columns):
        return named, "file name"
    return "", ""


def _by_columns(header: Header | None, rows: Sequence[Row], world_size: int) -> set[str]:
    """Return the collectives that could have printed these columns: reduction, root, and size against count."""
    timed = [row for row in rows if row.count > 0 and row.size_bytes > 0]
    if header is None or not timed:
        return set()
    row = timed[-1]
    width = element_bytes(dtype_of(row.nccl_type)) or 0
    is_whole = row.size_bytes == row.count * width
    is_new = "#wrong" in header.half
    if is_new:  # from 2.13 all programs have all columns
        reduces, has_root = row.redop not in {"", "none"}, row.root not in {"", "-1"}
    else:
        reduces, has_root = row.redop != "", "root" in header.leading
        if "redop" in header.leading and not reduces:
            return {"all_to_all"}  # the one program whose redop is titled and left blank
    candidates = {
        (True, False, True): {"all_reduce", "send_recv"} if is_new else {"all_reduce"},  # sendrecv prints sum
        (True, False, False): {"reduce_scatter"},
        (True, True, True): {"reduce"},
        (False, True, True): {"broadcast"},
        (False, True, False): {"gather", "scatter"},
        (False, False, True): {"send_recv", "hypercube"},
        (False, False, False): {"all_gather", "all_to_all"} if is_new else {"all_gather"},
    }.get((reduces, has_root, is_whole), set())
    return {name for name in candidates - _ruled_out(timed) if _fits(name, timed, world_size)}


def _ruled_out(rows: Sequence[Row]) -> set[str]:
    """Return what the results that were checked rule out: alltoall and sendrecv are not checked in place."""
    checked = [row for row in rows if number(row.out_of_place.get("#wrong", "")) is not None]
    if not checked:
        return set()
    is_in_place = any(number(row.in_place["#wrong"]) is not None for row in checked)
    return _UNCHECKED_IN_PLACE if is_in_place else {"all_reduce", "all_gather"}


def _fits(collective: str, rows: Sequence[Row], world_size: int) -> bool:
    """Return whether busbw / algbw of all rows can be the collective's, of this many ranks or of any."""
    if world_size:
        return _is_ratio(bus_factor(collective, world_size), rows)
    return any(_is_ratio(bus_factor(collective, ranks), rows) for ranks in _rank_counts())


def _ranks_by_ratio(collective: str, rows: Sequence[Row]) -> int:
    """Return the one number of ranks that explains busbw / algbw, or 0 if there is none or more than one."""
    fitting = [ranks for ranks in _rank_counts() if _is_ratio(bus_factor(collective, ranks), rows)]
    return fitting[0] if len(fitting) == 1 else 0


def _rank_counts() -> range:
    return range(2, MAX_RANKS + 1)


def _is_ratio(factor: float | None, rows: Sequence[Row]) -> bool:
    if factor is None:
        return False
    for row in rows[-3:]:  # the largest messages: the others print too few digits to tell
        algbw, busbw = number(row.out_of_place["algbw"]), number(row.out_of_place["busbw"])
        if algbw is None or busbw is None:
            continue
        if not (algbw - _HALF_STEP) * factor - _HALF_STEP <= busbw <= (algbw + _HALF_STEP) * factor + _HALF_STEP:
            return False
    return bool(rows)


def by_name(file_name: str) -> str:
    """Return the collective whose program's name is in the text; empty when there is none or more than one."""
    plain = file_name.lower().replace("_", "").replace("-", "")
    found = {ours for theirs, ours in PROGRAMS.items() if theirs.replace("_", "") in plain}
    longest = {name for name in found if not any(name in other and name != other for other in found)}
    return longest.pop() if len(longest) == 1 else ""


def requested_sizes(facts: Facts) -> tuple[int, ...]:
    """Return the sizes of the sweep that the parameters ask for; empty when they are not known."""
    first, last = facts.parameters.get("minBytes", 0), facts.parameters.get("maxBytes", -1)
    last = last if facts.limit_bytes is None else min(last, facts.limit_bytes)
    step, multiplies = facts.step
    if first < 1 or step < 1 or (multiplies and step == 1):
        return ()
    sizes: list[int] = []
    size = first
    while size <= last and len(sizes) < _SIZES_LIMIT:
        sizes.append(size)
        size = size * step if multiplies else size + step
    return tuple(sizes)


def rounds_to(requested_bytes: int, size_bytes: int, world_size: int) -> bool:
    """Return whether nccl-tests would round the one size down to the other: at most 16 bytes a rank."""
    return size_bytes <= requested_bytes < size_bytes + ALIGNMENT_BYTES * max(1, world_size)
