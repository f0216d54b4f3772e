"""A headless Chromium that clicks: its DevTools protocol over a pipe, JSON between NULs, so no library is needed."""

import fcntl
import json
import os
import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class Browser:
    """One page in a browser; a context manager. `evaluate` asks it, `click` and `press` are real input events."""

    def __init__(self, chromium: str, options: tuple[str, ...], page: Path) -> None:
        self._command = [chromium, *options, f"--user-data-dir={page.parent / 'devtools'}", "--remote-debugging-pipe"]
        self._page = page
        self._number = 0
        self._waiting = b""

    def __enter__(self) -> Self:
        (reads, self._to), (self._from, writes) = os.pipe(), os.pipe()
        # Chromium reads from descriptor 3 and writes to 4; ours must not be these, or the one would close the other.
        theirs = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, 10) for each in (reads, writes)]
        shell = ["bash", "-c", f'exec "$@" 3<&{theirs[0]} 4>&{theirs[1]}', "bash", *self._command]
        self._process = subprocess.Popen(
            shell, pass_fds=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        for each in (reads, writes, *theirs):
            os.close(each)
        try:
            self._open()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _open(self) -> None:
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._send("Page.enable")
        self._send("Page.navigate", url=self._page.as_uri())
        self._until("Page.loadEventFired")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)  # a wrapper script may stand before it
        self._process.wait()
        os.close(self._to)
        os.close(self._from)

    def evaluate(self, script: str) -> Any:
        """Return what a line of JavaScript gives; it is the test's own, and no script of the page."""
        return self._send("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def click(self, selector: str) -> None:
        """Click into the middle of an element with the mouse."""
        self.evaluate(f"document.querySelector({selector!r}).scrollIntoView({{block: 'center'}})")
        box = f"(r => [r.x + r.width / 2, r.y + r.height / 2])(document.querySelector({selector!r})"
        x, y = self.evaluate(f"{box}.getBoundingClientRect())")
        for kind in ("mousePressed", "mouseReleased"):
            self._send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str, code: int) -> None:
        """Press and release a key."""
        for kind in ("keyDown", "keyUp"):
            self._send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def _send(self, method: str, **parameters: Any) -> Any:
        return self._ask(method, session=self._session, **parameters)

    def _ask(self, method: str, session: str = "", **parameters: Any) -> Any:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def _until(self, event: str) -> None:
        while self._read().get("method") != event:
            pass

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._waiting:
            more = os.read(self._from, 1 << 16)
            assert more, "the browser has gone"
            self._waiting += more
        first, _, self._waiting = self._waiting.partition(b"\0")
        found: dict[str, Any] = json.loads(first)
        return found
