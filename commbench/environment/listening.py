"""Sockets that listen on a free port of this host."""

import socket
from contextlib import suppress


def listen(address: str = "", backlog: int | None = None) -> socket.socket:
    """Return a socket that listens on a free port of an address, of all of them, IPv6 too, when none is given."""
    if not address and socket.has_dualstack_ipv6():
        with suppress(OSError):  # IPv6 is built in and switched off
            return socket.create_server(("", 0), family=socket.AF_INET6, backlog=backlog, dualstack_ipv6=True)
    return socket.create_server((address, 0), backlog=backlog)
