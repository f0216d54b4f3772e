"""A real Slurm on the emulated hosts: slurmctld on the management switch, a slurmd on each host, a private munge.

Everything lies in one folder under /run, nothing under /etc; the cluster's reaper ends the daemons if the tests die.
"""

import os
import shutil
import subprocess
from pathlib import Path

from tests.cluster.emulation import Cluster, wait_until

_CONTROLLER = "10.90.0.250"
_DAEMONS = ("slurmctld", "slurmd", "munged", "srun", "sbatch", "scontrol")

_CONF = """
ClusterName=cb
SlurmctldHost=cbctl({controller})
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.sock
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MailProg=/bin/true
PartitionName=bench Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=YES
"""


def missing_slurm() -> str:
    """Return why there can be no Slurm here; empty when there can."""
    absent = [name for name in _DAEMONS if shutil.which(name) is None]
    return f"a real Slurm needs {', '.join(absent)} (apt-get install slurm-wlm munge)" if absent else ""


class Slurm:
    """A running Slurm; a context manager that ends its daemons."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._folder = Path("/run") / f"{cluster.prefix}slurm"
        self._daemons: list[subprocess.Popen[bytes]] = []
        self.environ = {**os.environ, "SLURM_CONF": str(self._folder / "slurm.conf")}

    def __enter__(self) -> "Slurm":
        self._folder.mkdir(mode=0o755)
        try:
            self._configure()
            self._munge()
            self._start(self._cluster.switch, "cbctl", "slurmctld", "-D")
            for host, name in enumerate(self._cluster.names):
                self._start(self._cluster.space(host), name, "slurmd", "-D", "-N", name)
            wait_until(self._all_idle)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for daemon in reversed(self._daemons):
            daemon.terminate()
        for daemon in self._daemons:
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _configure(self) -> None:
        (self._folder / "state").mkdir()
        nodes = "".join(
            f"NodeName={name} NodeAddr={self._cluster.address(host)} CPUs=2 RealMemory=1000 State=UNKNOWN\n"
            for host, name in enumerate(self._cluster.names)
        )
        text = _CONF.format(folder=self._folder, controller=_CONTROLLER) + nodes
        (self._folder / "slurm.conf").write_text(text)
        known = "".join(f"{self._cluster.address(i)} {name}\n" for i, name in enumerate(self._cluster.names))
        (self._folder / "hosts").write_text(f"127.0.0.1 localhost\n{_CONTROLLER} cbctl\n{known}")
        bridge = ["ip", "-n", self._cluster.switch, "addr", "replace", f"{_CONTROLLER}/24", "dev", "brmgmt"]
        subprocess.run(bridge, check=True)

    def _munge(self) -> None:
        key = self._folder / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        files = {"socket": "munge.sock", "key-file": "key", "pid-file": "munge.pid", "seed-file": "seed"}
        options = [f"--{option}={self._folder / name}" for option, name in files.items()]
        log = f"--log-file={self._folder / 'munge.log'}"
        self._start(self._cluster.switch, "cbctl", "munged", "--foreground", "--force", log, *options)
        wait_until((self._folder / "munge.sock").exists)

    def _inside(self, space: str, name: str, *arguments: str) -> list[str]:
        # `ip netns exec` would mount a new /sys, without the control groups that slurmd insists on.
        script = 'mount --bind "$1" /etc/hosts; hostname "$2"; shift 2; exec "$@"'
        enter = ["nsenter", f"--net=/run/netns/{space}", "unshare", "--mount", "--uts"]
        return [*enter, "sh", "-c", script, "sh", str(self._folder / "hosts"), name, *arguments]

    def _start(self, space: str, name: str, *arguments: str) -> None:
        with (self._folder / f"{arguments[0]}-{name}.log").open("wb") as log:
            command = self._inside(space, name, *arguments)
            self._daemons.append(subprocess.Popen(command, env=self.environ, stdout=log, stderr=subprocess.STDOUT))

    def _all_idle(self) -> bool:
        done = self.run("sinfo", "--noheader", "--Node", "--format=%T", check=False)
        return done.stdout.split() == ["idle"] * self._cluster.hosts

    def login(self, *command: str) -> list[str]:
        """Return one of Slurm's commands as typed on a login node."""
        return self._inside(self._cluster.switch, "cbctl", *command)

    def run(self, *command: str, check: bool = True, timeout_s: float = 100) -> "subprocess.CompletedProcess[str]":
        """Run one of Slurm's commands as on a login node."""
        done = subprocess.run(
            self.login(*command),
            capture_output=True,
            text=True,
            check=False,
            env=self.environ,
            timeout=timeout_s,
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done
