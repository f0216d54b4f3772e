"""An HTTP proxy that answers like a bucket on a bad day: no test server of S3 does that by itself."""

import http.client
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

_KEPT = {"content-type", "etag", "last-modified", "content-range", "accept-ranges"}
_TIMEOUT_S = 60


class Fault(StrEnum):
    """What the proxy does instead of passing a request on and its answer back."""

    CONFLICT = "409"  # S3: another conditional request for this key is under way
    SLOW_DOWN = "503"
    BROKEN = "500"
    DENIED = "403"
    RESET = "reset"  # the connection breaks before the server has heard anything
    RESET_AFTER = "reset after"  # the server has done it, the answer is lost


_ERROR_CODES = {
    Fault.CONFLICT: "ConditionalRequestConflict",
    Fault.SLOW_DOWN: "SlowDown",
    Fault.BROKEN: "InternalError",
    Fault.DENIED: "AccessDenied",
}

Chooser = Callable[[str, str], Fault | None]


class FaultyProxy:
    """Passes requests on to a server; `choose(method, path)` says which of them go wrong. A context manager."""

    def __init__(self, upstream_port: int, choose: Chooser) -> None:
        self.choose = choose
        self.dropped_header = ""
        self.seen: Counter[str] = Counter()  # requests by method, faults by name
        self._server = _Server(self, upstream_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, proxy: FaultyProxy, upstream_port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.proxy = proxy
        self.upstream_port = upstream_port

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing when a client vanished: killed writers do."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Keep quiet."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        proxy = self.server.proxy
        fault = proxy.choose(self.command, self.path)
        proxy.seen.update([self.command, *([fault.value] if fault else [])])
        if fault is Fault.RESET:
            self._reset()
        elif fault in _ERROR_CODES:
            assert fault is not None
            text = f"<Error><Code>{_ERROR_CODES[fault]}</Code><Message>injected</Message></Error>"
            self._answer(int(fault), text.encode(), [("content-type", "application/xml")])
        else:
            status, headers, data = self._forward(body)
            if fault is Fault.RESET_AFTER:
                self._reset()
            else:
                self._answer(status, data, headers)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815 - the base class's names

    def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream_port, timeout=_TIMEOUT_S)
        try:
            dropped = self.server.proxy.dropped_header
            headers_in = {name: value for name, value in self.headers.items() if name.lower() != dropped}
            upstream.request(self.command, self.path, body, headers_in)
            answer = upstream.getresponse()
            headers = [(name, value) for name, value in answer.getheaders() if name.lower() in _KEPT]
            if self.command == "HEAD":
                headers.append(("content-length", answer.getheader("content-length") or "0"))
            return answer.status, headers, answer.read()
        finally:
            upstream.close()

    def _answer(self, status: int, data: bytes, headers: list[tuple[str, str]]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _reset(self) -> None:
        """Close with a reset instead of an orderly end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True
