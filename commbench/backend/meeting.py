"""Where the ranks of a launch find each other before there is a process group, and hear what rank 0 decides."""

import os
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from commbench.environment.place import MEETING_FD, Place

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store

# A parked rank waits for rank 0's word as long as the run takes; the controller or the launcher ends it if rank 0 dies.
_PARKED = timedelta(days=7)
_LEAVING, _ALL_LEFT = "leaving", "all left"
_LEAVING_LIMIT = timedelta(seconds=30)


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

    Raises torch's DistNetworkError when rank 0 is not reached in torch's own time; a launch waits less.
    """

    def __init__(self, place: Place) -> None:
        from torch.distributed.distributed_c10d import PrefixStore

        os.environ.update(place.as_variables())
        self.place = place
        self.address = place.master_addr
        self.store = _open_store(place)
        self._words = PrefixStore("commbench", self.store)
        self._words.set_timeout(_PARKED)

    def announce(self, key: str, text: str) -> None:
        self._words.set(key, text)

    def hear(self, key: str) -> str:
        return str(self._words.get(key).decode())

    def leave(self) -> None:
        """Go; rank 0, which serves the store, goes last: a rank still waiting for its word would take that for a death.

        Only for ranks that are done. Rank 0 does not wait long, for one that died meanwhile is named by its launcher.
        """
        others = self.place.world_size - 1
        if self.place.rank > 0:
            if self._words.add(_LEAVING, 1) == others:
                self._words.set(_ALL_LEFT, "")
        elif others:
            with suppress(RuntimeError):  # torch's errors of a store are all of that kind
                self._words.wait([_ALL_LEFT], _LEAVING_LIMIT)


def _open_store(place: Place) -> "Store":
    """Return the launch's key-value store, which rank 0 serves, where it inherited one on a socket that is open."""
    from torch._C._distributed_c10d import TCPStore
    from torch.distributed.constants import default_pg_timeout
    from torch.distributed.rendezvous import rendezvous

    meeting_fd = os.environ.pop(MEETING_FD, "")
    if not meeting_fd:
        store: Store = next(rendezvous("env://", place.rank, place.world_size))[0]
        return store
    return TCPStore(  # as rendezvous does, but for the socket
        place.master_addr,
        place.master_port,
        place.world_size,
        is_master=True,
        timeout=default_pg_timeout,
        multi_tenant=True,
        master_listen_fd=int(meeting_fd),
    )
