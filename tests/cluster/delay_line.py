"""One-way delay without netem: `python delay_line.py SPACE,SPACE QUEUE DELAY_MS JITTER_MS LOSS`.

Packets stay in the kernel, in a netfilter queue (copy mode META, large segments whole), and are let go in their order
by one batch verdict when they are due, so that Python handles a few bytes for 64 KiB. Ends when its input does.
Names and numbers: linux/netfilter/nfnetlink_queue.h. Standard library only.
"""

import contextlib
import ctypes
import os
import random
import select
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Iterator

_NETLINK_NETFILTER, _SUBSYSTEM_QUEUE = 12, 3
_PACKET, _VERDICT, _CONFIG, _BATCH = range(4)
_DROP, _ACCEPT = 0, 1
_FAIL_OPEN_AND_GSO = 1 | 4
_CLONE_NEWNET = 0x40000000
_PR_SET_TIMERSLACK = 29
_SO_RCVBUFFORCE, _SOL_NETLINK, _NETLINK_NO_ENOBUFS = 33, 270, 5
_BUSY_S = 1e-4  # wake up this long before a packet is due, and look again


def _attribute(kind: int, data: bytes) -> bytes:
    length = 4 + len(data)
    return struct.pack("=HH", length, kind) + data + b"\0" * (-length % 4)


def _message(kind: int, queue: int, attributes: bytes, flags: int = 1) -> bytes:
    body = struct.pack("=BB", 0, 0) + struct.pack("!H", queue) + attributes
    return struct.pack("=IHHII", 16 + len(body), (_SUBSYSTEM_QUEUE << 8) | kind, flags, 0, 0) + body


class Queue:
    """One namespace's queue of packets, as (due, packet id, whether it gets lost)."""

    def __init__(self, number: int, delay_s: float, jitter_s: float, loss: float) -> None:
        self._number, self._delay_s, self._jitter_s, self._loss = number, delay_s, jitter_s, loss
        self._held: deque[tuple[float, int, bool]] = deque()
        self._last_due = 0.0
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
        self.socket.bind((0, 0))
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 64 << 20)
        self.socket.setsockopt(_SOL_NETLINK, _NETLINK_NO_ENOBUFS, 1)
        flags = struct.pack("!I", _FAIL_OPEN_AND_GSO)
        self._configure(_attribute(1, struct.pack("!BBH", 1, 0, socket.AF_INET)))  # bind
        self._configure(_attribute(2, struct.pack("!IB", 0, 1)))  # copy nothing but META
        self._configure(_attribute(3, struct.pack("!I", 200_000)))  # longest queue
        self._configure(_attribute(4, flags) + _attribute(5, flags))
        self.socket.setblocking(False)

    def _configure(self, attributes: bytes) -> None:
        self.socket.send(_message(_CONFIG, self._number, attributes, flags=5))
        (error,) = struct.unpack_from("=i", self.socket.recv(8192), 16)
        if error:
            raise OSError(-error, f"netfilter queue: {os.strerror(-error)}")

    def take(self) -> None:
        """Note every packet that has arrived."""
        now = time.monotonic()
        for _ in range(256):
            try:
                data = self.socket.recv(65536)
            except BlockingIOError:
                return
            for packet in _packet_ids(data):
                jitter_s = random.uniform(-self._jitter_s, self._jitter_s)
                self._last_due = max(now + self._delay_s + jitter_s, self._last_due)  # their order is kept
                self._held.append((self._last_due, packet, random.random() < self._loss))

    def let_go(self) -> float | None:
        """Let packets go that are due; return seconds until the next one, or None when there is none."""
        now, last = time.monotonic(), None
        while self._held and self._held[0][0] <= now:
            _, packet, is_lost = self._held.popleft()
            if not is_lost:
                last = packet
                continue
            if last is not None:
                self._decide(last, _ACCEPT, _BATCH)
            self._decide(packet, _DROP, _VERDICT)
            last = None
        if last is not None:
            self._decide(last, _ACCEPT, _BATCH)
        return self._held[0][0] - now if self._held else None

    def _decide(self, packet: int, verdict: int, kind: int) -> None:
        self.socket.send(_message(kind, self._number, _attribute(2, struct.pack("!II", verdict, packet))))


def _packet_ids(data: bytes) -> Iterator[int]:
    offset = 0
    while offset + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, offset)
        at = offset + 20
        while kind == (_SUBSYSTEM_QUEUE << 8) | _PACKET and at < offset + length:
            size, attribute = struct.unpack_from("=HH", data, at)
            if attribute & 0x7FFF == 1:
                yield struct.unpack_from("!I", data, at + 4)[0]
                break
            at += (size + 3) & ~3
        offset += (length + 3) & ~3


@contextlib.contextmanager
def _inside(space: str) -> Iterator[None]:
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/ns/net") as mine, open(f"/run/netns/{space}") as other:  # noqa: PTH123 - descriptors
        if libc.setns(other.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {space}")
        try:
            yield
        finally:
            libc.setns(mine.fileno(), _CLONE_NEWNET)


def main() -> None:
    spaces, number, delay_ms, jitter_ms, loss = sys.argv[1:]
    queues = []
    for space in spaces.split(","):
        with _inside(space):
            queues.append(Queue(int(number), float(delay_ms) / 1e3, float(jitter_ms) / 1e3, float(loss)))
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))  # to be in time on busy cores
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    by_descriptor = {queue.socket.fileno(): queue for queue in queues}
    print("ready", flush=True)
    while True:
        waits = [wait for queue in queues if (wait := queue.let_go()) is not None]
        timeout = max(0.0, min(waits) - _BUSY_S) if waits else None
        ready, _, _ = select.select([0, *by_descriptor], [], [], timeout)
        for descriptor in ready:
            if descriptor == 0:
                return
            by_descriptor[descriptor].take()


if __name__ == "__main__":
    main()
