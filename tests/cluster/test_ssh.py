"""The default remote shell, with a real sshd on this host."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.cluster.conftest import HostsRun, is_rank
from tests.cluster.emulation import wait_until

pytestmark = pytest.mark.ranks
SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")

CONF = """
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
StrictModes no
PermitRootLogin yes
UsePAM no
PidFile none
"""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[str]:
    """Start a private sshd and return the ssh command that it lets in."""
    if SSHD is None:
        pytest.skip("a real sshd is needed (apt-get install openssh-server)")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where sshd locks its network child up
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True)
    (tmp_path / "conf").write_text(CONF.format(folder=tmp_path))
    port = str(_free_port())
    sshd = subprocess.Popen([SSHD, "-D", "-f", str(tmp_path / "conf"), "-p", port, "-E", str(tmp_path / "log")])
    options = ("BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR")
    words = ["ssh", "-F", "none", "-p", port, "-i", str(tmp_path / "user"), *(f"-o {option}" for option in options)]
    command = " ".join(words)
    try:
        wait_until(lambda: subprocess.run([*command.split(), "127.0.0.1", "true"], check=False).returncode == 0, 10)
        yield command
    finally:
        sshd.terminate()
        sshd.wait(10)


def test_ranks_start_through_ssh_and_end_with_the_controller_the_stopped_ones_too(ssh: str, tmp_path: Path) -> None:
    run = HostsRun(tmp_path, ssh, ["127.0.0.1", f"{getpass.getuser()}@127.0.0.1"], {"GLOO_SOCKET_IFNAME": "lo"})
    run.suite(iterations=100_000, limit=60, sizes='["1KiB"]')
    process = run.start()
    run.wait_for("started")
    ranks = ranks_of(run)
    assert sorted(int(rank.environ()["RANK"]) for rank in ranks) == [0, 1]
    os.kill(ranks[-1].pid, signal.SIGSTOP)
    os.kill(process.pid, signal.SIGKILL)
    run.wait(process)
    wait_until(lambda: not any(rank.is_running() and rank.status() != psutil.STATUS_ZOMBIE for rank in ranks), 15)


def ranks_of(run: HostsRun) -> list[psutil.Process]:
    """Return the ranks that meet at the port of the rank that writes our store."""
    ranks = [(each, each.info["cmdline"] or []) for each in psutil.process_iter(["cmdline"])]
    ranks = [(each, words) for each, words in ranks if is_rank(words)]
    (port,) = {each.environ()["MASTER_PORT"] for each, words in ranks if words[-1].startswith(str(run.store))}
    return sorted((each for each, _ in ranks if each.environ()["MASTER_PORT"] == port), key=lambda each: each.pid)
