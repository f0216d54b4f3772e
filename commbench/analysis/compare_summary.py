"""A comparison in sentences: latency at small sizes, bandwidth at large ones, each in one."""

from collections.abc import Sequence

from commbench.analysis.comparison import Finding, Row, Verdict
from commbench.units import format_size

# Up to the first a message fits one chunk of a buffer and the time is latency; from the second on it is bandwidth.
# Between them lie protocol changes of every library (NCCL leaves LL and LL128 there); the bounds are ours.
SMALL_BYTES, LARGE_BYTES = 64 * 2**10, 4 * 2**20


def sentences(rows: Sequence[Row], names: tuple[str, str], margin: float) -> tuple[str, ...]:
    """Return what the small sizes say of latency and the large ones of bandwidth; nothing where there are none."""
    small = [row for row in rows if row.cell.size_bytes <= SMALL_BYTES]
    large = [row for row in rows if row.cell.size_bytes >= LARGE_BYTES]
    said = [
        _sentence(f"Latency up to {format_size(SMALL_BYTES)}", small, ("p50", "mean"), names, margin),
        _sentence(f"Bandwidth from {format_size(LARGE_BYTES)} on", large, ("busbw",), names, margin),
    ]
    return tuple(sentence for sentence in said if sentence)


def _sentence(what: str, rows: Sequence[Row], metrics: Sequence[str], names: tuple[str, str], margin: float) -> str:
    found = [next((each for name in metrics if (each := row.finding(name))), None) for row in rows]
    known = [each for each in found if each is not None and each.effect is not None]
    if not known:
        return ""
    parts = [
        _winner(known, Verdict.A_FASTER, names[0]),
        _winner(known, Verdict.B_FASTER, names[1]),
        _count(known, Verdict.EQUIVALENT, f"equivalent within {margin:.3g} %"),
        _count(known, Verdict.UNDECIDED, "undecided"),
        _samples(known, names),
    ]
    cells = f"{len(known)} cell{'s' if len(known) > 1 else ''}"
    return f"{what} ({cells}): {'; '.join(part for part in parts if part)}."


def _winner(known: Sequence[Finding], verdict: Verdict, name: str) -> str:
    shares = [each.effect.faster_by for each in known if each.verdict is verdict and each.effect]
    if not shares:
        return ""
    return f"{name} is faster in {len(shares)}, by {_range(shares)}"


def _samples(known: Sequence[Finding], names: tuple[str, str]) -> str:
    single = [each for each in known if each.verdict is Verdict.ONE_SAMPLE and each.effect]
    ahead = [each for each in single if each.effect and each.effect.estimate < 0]
    if not single:
        return ""
    return f"{names[0]} is ahead in {len(ahead)} of {len(single)}, in one sample each, so without any certainty"


def _count(known: Sequence[Finding], verdict: Verdict, words: str) -> str:
    count = sum(each.verdict is verdict for each in known)
    return f"{words} in {count}" if count else ""


def _range(shares: Sequence[float]) -> str:
    low, high = (f"{100 * share:.3g}" for share in (min(shares), max(shares)))
    return f"{low} %" if low == high else f"{low} to {high} %"
