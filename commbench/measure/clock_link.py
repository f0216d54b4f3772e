"""One connection to rank 0 per rank, for pings: small messages at once, and no wait without an end."""

import hashlib
import secrets
import socket
import struct
import time
from dataclasses import dataclass

from commbench.backend import Meeting
from commbench.environment.listening import listen
from commbench.errors import RankError
from commbench.units import NS_PER_S, NS_PER_US

_HELLO = struct.Struct("<16sq16s")  # the launch's token, so that strangers are told apart, the rank, its clock's digest
_HELLO_LIMIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Link:
    """A connection to `peer`, whose clock has a digest, empty when it may be any clock.

    Raises RankError when the peer is gone or silent for longer than the limit.
    """

    connection: socket.socket
    peer: str
    clock: bytes = b""

    @classmethod
    def of(cls, connection: socket.socket, peer: str, limit_s: float, clock: bytes = b"") -> "Link":
        """Return a link that sends at once; the limit is the kernel's, because Python's own costs a poll per read."""
        connection.settimeout(None)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        seconds, rest = divmod(round(limit_s * NS_PER_S), NS_PER_S)
        timeval = struct.pack("@ll", seconds, rest // NS_PER_US)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)
        return cls(connection, peer, clock)

    def send(self, data: bytes) -> None:
        """Send a message."""
        try:
            self.connection.sendall(data)
        except OSError as error:
            raise _lost(self.peer, error) from error

    def receive(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        try:
            data = self.connection.recv(size)
            while len(data) < size:
                more = self.connection.recv(size - len(data)) if data else b""
                if not more:
                    raise ConnectionError("it closed the connection")
                data += more
        except OSError as error:
            raise _lost(self.peer, error) from error
        return data


def accept_ranks(meeting: Meeting, key: str, world_size: int, limit_s: float) -> dict[int, Link]:
    """Return a link to every other rank, on rank 0.

    Raises:
        RankError: some rank did not connect within the limit.
    """
    token, deadline = secrets.token_bytes(16), time.monotonic() + limit_s
    links: dict[int, Link] = {}
    with listen(backlog=world_size) as server:
        meeting.announce(key, f"{server.getsockname()[1]} {token.hex()}")
        while len(links) < world_size - 1:
            server.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                connection, _ = server.accept()
            except TimeoutError as error:
                for link in links.values():
                    link.connection.close()
                missing = sorted(set(range(1, world_size)) - links.keys())
                raise RankError(f"ranks {missing} did not connect for clock comparison in {limit_s:g} s") from error
            greeted = _greeted(connection, token)
            if greeted is None:
                connection.close()
            else:
                rank, clock = greeted
                links[rank] = Link.of(connection, f"rank {rank}", limit_s, clock)
    return links


def connect(meeting: Meeting, key: str, rank: int, address: str, *, clock: bytes, limit_s: float) -> Link:
    """Return a link to rank 0, who is told the digest of our clock.

    Raises:
        RankError: rank 0's host cannot be reached on the port it announced.
    """
    port, token = meeting.hear(key).split()
    try:
        connection = socket.create_connection((address, int(port)), limit_s)
        link = Link.of(connection, "rank 0", limit_s)
    except OSError as error:
        reason = error.strerror or error
        raise RankError(
            f"rank {rank} cannot reach {address}:{port} to compare clocks: {reason}; open the ports between the hosts, "
            'or set clock_sync = "never" in the suite'
        ) from error
    link.send(_HELLO.pack(bytes.fromhex(token), rank, clock))
    return link


def digest(clock_id: str) -> bytes:
    """Return 16 bytes that stand for a clock's identity; none for an unknown clock."""
    return hashlib.blake2b(clock_id.encode(), digest_size=16).digest().strip(b"\0") if clock_id else b""


def _greeted(connection: socket.socket, token: bytes) -> tuple[int, bytes] | None:
    """Return the rank that connected and its clock's digest, or None for a stranger."""
    try:
        hello = Link.of(connection, "a stranger", _HELLO_LIMIT_S).receive(_HELLO.size)
    except RankError:
        return None
    said, rank, clock = _HELLO.unpack(hello)
    return (rank, clock.strip(b"\0")) if secrets.compare_digest(said, token) else None


def _lost(peer: str, error: OSError) -> RankError:
    reason = "no answer in time" if isinstance(error, BlockingIOError) else error.strerror or error
    return RankError(f"lost {peer} while comparing clocks: {reason}")
