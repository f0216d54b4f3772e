"""Where the ranks of a launch find each other before there is a process group, and hear what rank 0 decides."""

import os
from datetime import timedelta
from typing import Protocol

from commbench.environment.place import Place

# A parked rank waits for rank 0's word as long as the run takes; the controller or the launcher ends it if rank 0 dies.
_PARKED = timedelta(days=7)


class Meeting(Protocol):
    """A board that rank 0 writes and all ranks read; `address` is where rank 0's host can be reached."""

    address: str

    def announce(self, key: str, text: str) -> None:
        """Write a word once; only rank 0 does."""

    def hear(self, key: str) -> str:
        """Return the word, asleep in the kernel until it is there: this is how ranks are parked."""


class LocalMeeting:
    """The board of a launch that is one process."""

    address = "127.0.0.1"

    def __init__(self) -> None:
        self._words: dict[str, str] = {}

    def announce(self, key: str, text: str) -> None:
        self._words[key] = text

    def hear(self, key: str) -> str:
        return self._words[key]


class StoreMeeting:
    """The board of a torch launch: the key-value store its process group is built on.

    Raises RankError when the other ranks do not come; torch's own limit for that is five minutes.
    """

    def __init__(self, place: Place) -> None:
        from torch.distributed.distributed_c10d import PrefixStore
        from torch.distributed.rendezvous import rendezvous

        os.environ.update(place.as_variables())
        self.place = place
        self.address = place.master_addr
        self.store, _, _ = next(rendezvous("env://", place.rank, place.world_size))
        self._words = PrefixStore("commbench", self.store)
        self._words.set_timeout(_PARKED)

    def announce(self, key: str, text: str) -> None:
        self._words.set(key, text)

    def hear(self, key: str) -> str:
        return str(self._words.get(key).decode())
