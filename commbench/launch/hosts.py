"""A launch on several hosts: a keeper on each, reached through channels such as ssh or srun."""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from commbench import __version__
from commbench.errors import ExitCode
from commbench.journal.folder import JournalFolder
from commbench.launch.channel import Channel, OpenChannel
from commbench.launch.diagnose import name_dead, name_silent, own_words, tail_of
from commbench.launch.processes import Sighting
from commbench.launch.wire import LOOK, Ended, Hello, Message, Order, Report, to_line

_HELLO_LIMIT_S = 60.0  # a remote shell and a Python without torch, also from a cold network disk
_REPORT_LIMIT_S = 5.0  # reports take two seconds where rank 0's host is out of reach
_LAST_WORDS_S = 3.0  # after the first host has failed, what the others say within this time may name the cause
_END_GRACE_S = 8.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class HostsCommand:
    """Keepers to start through channels, and the order that they get once all of them have said hello.

    Without a port in the order one that is free on the first host is taken.
    """

    launcher: str
    channels: tuple[Channel, ...]
    order: Order
    start_limit_s: float | None = None
    hello_limit_s: float = _HELLO_LIMIT_S

    def start(self, folder: JournalFolder, log: Path) -> "HostsLaunch":  # noqa: ARG002 - the order names it
        """Start the keepers; each channel has a log of its own beside the given one."""
        return HostsLaunch(self, log)


@dataclass(slots=True)
class _Heard:
    """What the keepers have said so far, by node."""

    hellos: dict[int, Hello] = field(default_factory=dict)
    ended: dict[int, Ended] = field(default_factory=dict)
    reports: dict[int, Report] = field(default_factory=dict)

    def take(self, message: Message) -> None:
        if isinstance(message, Hello):
            self.hellos[message.node] = message
        elif isinstance(message, Ended):
            self.ended[message.node] = message
        elif isinstance(message, Report):
            self.reports[message.node] = message


class HostsLaunch:
    """Keepers at work."""

    def __init__(self, command: HostsCommand, log: Path) -> None:
        self._command, self._order, self._log = command, command.order, log
        self._channels = [OpenChannel(channel, log) for channel in command.channels]
        self._heard = _Heard()
        self._hello_deadline = time.monotonic() + command.hello_limit_s
        self.is_ordered = False
        self._failed_at = 0.0
        self._failed_with = 0
        self._reason = ""

    def poll(self) -> int | None:
        self._listen()
        if not self.is_ordered:
            self._greet()
        if self._reason:
            return ExitCode.RANK
        codes = [channel.poll() for channel in self._channels]
        if all(code is not None for code in codes):
            return next((code for code in codes if code), 0)
        # srun goes on when a keeper of its has ended; what that said is as good as an end.
        ended = [message.exit_code for message in self._heard.ended.values()]
        if not self._failed_with and (failed := [code for code in (*codes, *ended) if code]):
            self._failed_with, self._failed_at = failed[0], time.monotonic()
        return self._failed_with if self._failed_with and time.monotonic() > self._failed_at + _LAST_WORDS_S else None

    def _listen(self) -> None:
        for channel in self._channels:
            for message in channel.new_messages():
                self._heard.take(message)

    def _greet(self) -> None:
        """Give the order once every host has said hello, or say which host has not."""
        hellos = self._heard.hellos
        other = next((hello for hello in hellos.values() if hello.version != __version__), None)
        if other is not None:
            self._reason = (
                f"host {other.host} has commbench {other.version} and this one has {__version__}; "
                "install the same version on all hosts"
            )
        elif len(hellos) == self._order.node_count:
            port = self._order.master_port or hellos[0].port
            self._order = replace(self._order, master_port=port)
            for channel in self._channels:
                channel.send(to_line(self._order))
            self.is_ordered = True
        elif any(channel.poll() is not None for channel in self._channels) or time.monotonic() > self._hello_deadline:
            self._reason = self._unreached()

    def _unreached(self) -> str:
        """Return a sentence naming the hosts whose shell gave up, or else those that have not said hello."""
        gone = [channel for channel in self._channels if channel.poll() is not None]
        for channel in gone:
            if words := own_words(channel.text()):
                return words
        hellos = self._heard.hellos.keys()
        return "; ".join(
            self._unreached_through(channel) for channel in gone or self._channels if gone or channel.nodes - hellos
        )

    def _unreached_through(self, channel: OpenChannel) -> str:
        code = channel.poll()
        missing = [host for node, host in channel.hosts.items() if node not in self._heard.hellos]
        hosts = ", ".join(missing or channel.hosts.values())
        within, how = "", f"ended with exit code {code}"
        if code is None:
            within, how = f" within {self._command.hello_limit_s:g} s", "still waits"
        said = tail_of(channel.text_of_ranks()) or "it printed nothing"
        return f"host {hosts} was not reached{within}: `{channel.shell}` {how}: {said}"

    def why_dead(self, exit_code: int, during: str) -> str:
        if self._reason:
            return self._reason
        self._listen()
        text = "".join(channel.text() for channel in self._channels)
        lost = self._lost_host(during)
        return lost or name_dead(text, exit_code, during, f"(all of it: {self._log.with_suffix('')}*.log)")

    def _lost_host(self, during: str) -> str:
        """Return a sentence naming a host whose channel ended without its keeper's last word; empty when none did."""
        for channel in self._channels:
            lost = [host for node, host in channel.hosts.items() if node not in self._heard.ended]
            code = channel.poll()
            if code is not None and lost and not own_words(channel.text()):
                said = tail_of(channel.text_of_ranks()) or "it printed nothing more"
                what = f"`{channel.shell}` ended with exit code {code}{during and f' during {during}'}"
                return f"host {', '.join(lost)} was lost: {what}: {said}"
        return ""

    def who_is_silent(self, ranks: int) -> str:
        reports = self._ask()
        silent = [host for node, host in self._hosts().items() if node not in reports]
        if silent:
            return f"host {', '.join(silent)} does not answer; it is down or out of reach"
        seen = tuple(Sighting(*rank, report.host) for report in reports.values() for rank in report.ranks)
        words = name_silent(tuple(sorted(seen, key=lambda rank: rank.rank)), ranks)
        links = [f"link {link} of host {report.host}" for report in reports.values() for link in report.lost_links]
        return f"{', '.join(links)} went down during the launch; {words}" if links else words

    def who_is_missing(self) -> str:
        if not self.is_ordered:
            return self._unreached()
        reports = self._ask()
        silent = [host for node, host in self._hosts().items() if node not in reports]
        if silent:
            return f"the ranks did not come together: host {', '.join(silent)} does not answer any more"
        apart = [report.host for report in reports.values() if not report.reaches_master]
        meeting = f"{self._order.master_addr}:{self._order.master_port}"
        if apart:
            advice = "see to routes, firewalls and names there, or give another --master-addr"
            return f"the ranks did not come together: host {', '.join(apart)} does not reach {meeting}; {advice}"
        return f"the ranks did not come together at {meeting}; what they printed is in {self._log.with_suffix('')}*.log"

    def _hosts(self) -> dict[int, str]:
        return {node: hello.host for node, hello in sorted(self._heard.hellos.items())}

    def _ask(self) -> dict[int, Report]:
        """Return what the keepers see, by node; those that do not answer in time are missing."""
        self._heard.reports.clear()
        for channel in self._channels:
            channel.send(LOOK)
        deadline = time.monotonic() + _REPORT_LIMIT_S
        while len(self._heard.reports) < self._order.node_count and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            self._listen()
        return dict(sorted(self._heard.reports.items()))

    def end(self) -> None:
        """Close every keeper's input, which ends its ranks; kill the channels that stay."""
        for channel in self._channels:
            channel.close()
        deadline = time.monotonic() + _END_GRACE_S
        for channel in self._channels:
            channel.end(deadline)
