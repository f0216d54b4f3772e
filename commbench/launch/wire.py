"""What the controller and the keepers on the hosts say to each other: one JSON line each.

A keeper's standard input is for orders alone, so that nothing has to survive a shell's quoting or shows in `ps`; its
answers are lines of its standard output among those that the ranks print, told apart by a mark.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

MARK = "commbench-keeper "
LOOK = "look"


@dataclass(frozen=True, slots=True)
class Hello:
    """A keeper's first word: the host is reached and runs this commbench; it listens on `port` there."""

    node: int
    host: str
    version: str
    port: int


@dataclass(frozen=True, slots=True)
class Order:
    """What the keepers are to start: the same words for all of them. `folder` is the journal's."""

    folder: str
    node_count: int
    ranks_per_host: int
    master_addr: str
    master_port: int
    hosts: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """What a keeper sees when asked: its ranks as (rank, pid, calls, state), links that went down, and the way out."""

    node: int
    host: str
    ranks: tuple[tuple[int, int, int, str], ...]
    lost_links: tuple[str, ...]
    reaches_master: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """A keeper's last word: how its host's ranks ended; without it the host itself was lost."""

    node: int
    exit_code: int


Message = Hello | Order | Report | Ended
_KINDS: dict[str, type[Message]] = {kind.__name__: kind for kind in (Hello, Order, Report, Ended)}


def to_line(message: Message) -> str:
    """Return a message as one line of text."""
    return json.dumps({"kind": type(message).__name__, **asdict(message)}, separators=(",", ":"))


def from_line(line: str) -> Message:
    """Return the message in a line.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    fields = json.loads(line)
    kind = _KINDS[fields.pop("kind")]
    if kind is Report:
        fields["ranks"] = tuple(tuple(rank) for rank in fields["ranks"])
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    return kind(**given)


def messages_in(text: str) -> Iterator[Message]:
    """Yield the keepers' messages among what their ranks printed."""
    for line in text.splitlines():
        _, mark, message = line.partition(MARK)
        if mark:
            try:
                yield from_line(message)
            except (ValueError, KeyError, TypeError):
                continue  # a line that two processes wrote into: what it said will be missed and named as missing
