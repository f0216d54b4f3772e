"""Who failed: from what a launch printed, and from the progress boards of ranks that fell silent."""

import re
import signal
from dataclasses import dataclass

from commbench.launch.processes import Sighting

# What launch/ranks.py says of every rank that failed on its own; of those that it ended it says more. Not only where a
# line begins: a rank that is killed while it prints leaves half a line, and so does one that prints in pieces.
_FAILURE = re.compile(
    r"rank (?P<rank>\d+) \(pid (?P<pid>\d+), host (?P<host>\S+)\) ended with exit code (?P<exitcode>-?\d+)$",
    re.MULTILINE,
)
# The last line of a rank's traceback, prefixed by us, or by torch, with `[rank1]: `.
_RAISED = re.compile(r"\[rank(\d+)\]: ([A-Za-z_][\w.]*(?:Error|Exception|Interrupt)\b.*)$", re.MULTILINE)
_OWN_WORDS = re.compile(r"^commbench: (.*)$", re.MULTILINE)
# What a rank raises because another one is gone: it is a victim, not the cause.
_VICTIM = re.compile(
    r"closed by peer|reset by peer|Broken pipe|Timed out waiting|remote process exited"
    r"|Connection was likely closed|remote server shutdown",  # of the key-value store, which rank 0 serves
    re.IGNORECASE,
)
_LOST = re.compile(r"lost rank \d+ while ")  # and in our own words: see measure/clock_link.py
_TAIL_LINES = 5


@dataclass(frozen=True, slots=True)
class _Failure:
    host: str
    rank: int
    exitcode: int
    pid: int

    @property
    def is_killed(self) -> bool:
        return self.exitcode < 0

    @property
    def is_by_others(self) -> bool:
        """Return whether somebody else ended it; NCCL's watchdog ends its own rank when another one is gone."""
        return self.is_killed and self.exitcode != -signal.SIGABRT

    def is_cause(self, raised: dict[int, str]) -> bool:
        """Return whether it can only have failed on its own."""
        return self.is_by_others or (self.rank in raised and not _VICTIM.search(raised[self.rank]))


def name_dead(text: str, exit_code: int, during: str = "", where: str = "") -> str:
    """Return a sentence naming the rank that failed first, why, and during what, from what its launch printed.

    `where` ends the sentence when nobody can be named: where all of the text is.
    """
    raised = {int(rank): words for rank, words in _RAISED.findall(text)}
    failures = [
        _Failure(match["host"], int(match["rank"]), int(match["exitcode"]), int(match["pid"]))
        for match in _FAILURE.finditer(text)
    ]
    own = own_words(text)
    # Who lost another rank may say so in our words, and first.
    causes = (failure.is_cause(raised) if _LOST.match(own) else failure.is_by_others for failure in failures)
    if own and not any(causes):
        return own
    if not failures:
        what = f"exit code {exit_code}{during and f' during {during}'}"
        return f"the ranks ended with {what}: {tail_of(text) or 'they printed nothing'} {where}".rstrip()
    cause = min(failures, key=lambda failure: _suspicion(failure, raised))
    place = f"rank {cause.rank} (pid {cause.pid}, host {cause.host})"
    return f"{place} {_how(cause, raised, during and f' during {during}')}"


def own_words(text: str) -> str:
    """Return what commbench itself said in a launch's output; empty when it said nothing.

    That is its first message, and one of a lost rank only where there is no other.
    """
    said: list[str] = _OWN_WORDS.findall(text)
    return min(said, key=lambda words: bool(_LOST.match(words)), default="")


def tail_of(text: str) -> str:
    """Return the last lines of a text as one."""
    return " | ".join(line for line in text.splitlines()[-_TAIL_LINES:] if line.strip())


def _suspicion(failure: _Failure, raised: dict[int, str]) -> int:
    """Return how far down the list of causes a failure is: killed, raised on its own, said nothing, only a victim."""
    if failure.is_by_others:
        return 0
    if failure.is_cause(raised):
        return 1
    return 3 if failure.rank in raised else 2


def _how(failure: _Failure, raised: dict[int, str], during: str) -> str:
    if failure.is_killed:
        name = signal.Signals(-failure.exitcode).name
        hint = "; if nobody did that, look for the out-of-memory killer in dmesg" if name == "SIGKILL" else ""
        return f"was killed by {name}{during}{hint}"
    said = raised.get(failure.rank)
    return f"failed{during}: {said}" if said else f"exited with code {failure.exitcode}{during}"


def name_silent(ranks_seen: tuple[Sighting, ...], ranks: int) -> str:
    """Return a sentence naming the rank that the first `ranks` ranks of a point are waiting for."""
    seen = [rank for rank in ranks_seen if rank.rank < ranks]
    if not seen:
        return "no rank on this host says what it is doing"
    gone = [rank for rank in seen if rank.is_gone]
    stopped = [rank for rank in seen if rank.is_stopped]
    if gone or stopped:
        suspects, what = (gone, "is gone") if gone else (stopped, "is stopped and does not run (SIGSTOP or a debugger)")
        return f"{_names(suspects)} {what}; in call {suspects[0].calls} of the point"
    fewest, most = min(rank.calls for rank in seen), max(rank.calls for rank in seen)
    if fewest == most:
        return f"all ranks are inside call {most} and none returns: the transport between them is stuck"
    late = [rank for rank in seen if rank.calls == fewest]
    # Where packets vanish between the meeting before a call and the call itself, one rank is ahead of the others.
    hint = " and waits: it is held up, or its packets do not come" if all(rank.is_waiting for rank in late) else ""
    return f"{_names(late)} has not come to call {most}; it is at call {fewest}{hint}"


def _names(ranks: list[Sighting]) -> str:
    return ", ".join(
        f"rank {rank.rank} (pid {rank.pid}" + (f", host {rank.host})" if rank.host else ")") for rank in ranks
    )
