"""The program that keeps one host's ranks: `python -m commbench.launch.keeper [NODE]`, started by the remote shell.

It says hello, hears its order, starts the ranks, answers questions, and ends everything that it started, stopped ranks
too, as soon as its standard input ends: so nothing outlives the controller, however that dies. Asleep meanwhile.
"""

import ctypes
import os
import platform
import signal
import socket
import sys
import tempfile
from pathlib import Path
from types import FrameType

import psutil

from commbench import __version__
from commbench.environment.listening import listen
from commbench.environment.place import BOARDS
from commbench.environment.shared_output import tell
from commbench.errors import CommbenchError, ExitCode, UnfitError, UsageError
from commbench.journal.folder import JournalFolder
from commbench.launch.commands import RANK_VARIABLES, WORKER
from commbench.launch.links import interface_towards, links_up
from commbench.launch.processes import sightings
from commbench.launch.ranks import HostPart, HostRanks
from commbench.launch.wire import LOOK, MARK, Ended, Hello, Message, Order, Report, from_line, to_line
from commbench.measure.progress import read_boards

_PR_SET_CHILD_SUBREAPER = 36  # prctl(2): what ranks have started becomes ours to end
_KILL_LIMIT_S = 5.0
_REACH_LIMIT_S = 2.0
_INPUT = 0


class Keeper:
    """One host's part of a launch. `meeting` is where rank 0 will meet the others, if the order says so."""

    def __init__(self, node: int, order: Order, boards: Path, meeting: socket.socket) -> None:
        self._node, self._order, self._boards = node, order, boards
        self._links = links_up()
        is_there = meeting.getsockname()[1] == order.master_port
        if not is_there:
            meeting.close()
        # The ranks' standard input ends when this process does: see measure/worker.py.
        stdin, self._to_ranks = os.pipe()
        try:
            self._ranks = HostRanks(
                self._part(), self._environment(), meeting if is_there else None, stdin=stdin, own_session=True
            )
        finally:
            os.close(stdin)

    def _part(self) -> HostPart:
        order = self._order
        command = (sys.executable, "-m", WORKER, order.folder if self._node == 0 else "-")
        return HostPart(
            command, order.ranks_per_host, order.master_addr, order.master_port, self._node, order.node_count
        )

    def _environment(self) -> dict[str, str]:
        environment = {**os.environ, **self._order.variables, **RANK_VARIABLES, BOARDS: str(self._boards)}
        # Without a name gloo asks the resolver for the host's own address, which on many hosts is a loopback one.
        if "GLOO_SOCKET_IFNAME" not in environment:
            interface = interface_towards((self._order.master_addr, *self._order.hosts))
            if interface:
                environment["GLOO_SOCKET_IFNAME"] = interface
        return environment

    def keep(self) -> int:
        """Answer until the ranks or standard input end; return the exit code."""
        while self._ranks.are_running:
            if self._ranks.wait(_INPUT):
                text = os.read(_INPUT, 4096)
                if not text:
                    return ExitCode.RANK
                if LOOK.encode() in text:
                    _say(self._report())
        failures = self._ranks.failures
        for failure in failures:
            tell(str(failure))
        code = ExitCode.RANK if failures else ExitCode.OK
        _say(Ended(self._node, code))
        return code

    def _report(self) -> Report:
        ranks = tuple((seen.rank, seen.pid, seen.calls, seen.state) for seen in sightings(read_boards(self._boards)))
        lost = tuple(sorted(self._links - links_up()))
        return Report(
            self._node, platform.node(), ranks, lost, _reaches(self._order.master_addr, self._order.master_port)
        )


def _reaches(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), _REACH_LIMIT_S).close()
    except OSError:
        return False
    return True


def _say(message: Message) -> None:
    # One write, so that what the ranks print does not come in between.
    os.write(sys.stdout.fileno(), f"{MARK}{to_line(message)}\n".encode())


def _hear_order() -> Order:
    text = b""
    while not text.endswith(b"\n"):
        more = os.read(_INPUT, 65536)
        if not more:
            raise UsageError(
                f"the keeper on {platform.node()} heard no order on its standard input; the remote shell must hand "
                "standard input on (kubectl exec needs -i, ssh must not have -n)"
            )
        text += more
    order = from_line(text.decode())
    if not isinstance(order, Order):
        raise UsageError(f"the keeper on {platform.node()} heard something else than an order")
    return order


def _check_folder(order: Order) -> None:
    if not JournalFolder(Path(order.folder)).plan.is_file():
        raise UnfitError(
            f"host {platform.node()} does not see the store's folder {order.folder}, where its rank 0 would write the "
            "journal; put --store on a file system that both share, or let this host be the first of --hosts"
        )


def _end_all() -> None:
    """Kill every process below this one, also those that a dying parent hands to us meanwhile."""
    for _ in range(100):
        children = psutil.Process().children(recursive=True)
        if not children:
            return
        for child in children:
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(children, timeout=_KILL_LIMIT_S / 100)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(ExitCode.RANK)


def main(arguments: list[str]) -> int:
    """Keep one host's ranks and return the exit code."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _stop)
    node = int(arguments[0] if arguments else os.environ["SLURM_PROCID"])
    try:
        meeting = listen()
        _say(Hello(node, platform.node(), __version__, meeting.getsockname()[1]))
        order = _hear_order()
        if node == 0:
            _check_folder(order)
        with tempfile.TemporaryDirectory(prefix="commbench-boards-") as boards:
            try:
                return Keeper(node, order, Path(boards), meeting).keep()
            finally:
                _end_all()
    except CommbenchError as error:
        tell(f"commbench: {error}")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
