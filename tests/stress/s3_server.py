"""A moto S3 server in a process of its own, and buckets in it."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

_START_LIMIT_S = 60
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test-key", "AWS_SECRET_ACCESS_KEY": "test-secret", "AWS_REGION": "us-east-1"}
# moto takes region and account from the header and checks no signature.
_AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=test-key/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
)


@contextlib.contextmanager
def s3_server() -> Iterator[int]:
    """Yield the port of a server on this machine; it ends with the context."""
    port = _free_port()
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, env={**os.environ, **CREDENTIALS}, **quiet)  # type: ignore[call-overload]
    try:
        _wait_for(port, server)
        yield port
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait()


def make_bucket(port: int, bucket: str) -> None:
    """Create an empty bucket."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("PUT", f"/{bucket}", headers={"Authorization": _AUTHORIZATION})
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise RuntimeError("moto's server did not start; is moto[s3] with flask and flask-cors installed?")
