"""Start versus_loop.py on real ranks and read what it says."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.ranks.conftest import clean_environment

_SUITE = """
[suite]
name = "versus_loop"
[sweep]
collectives = {collectives}
sizes = {sizes}
ranks = [{ranks}]
backend = "gloo"
"""


def versus_loop(folder: Path, ranks: int, seconds: float, collectives: str, sizes: str) -> list[dict[str, Any]]:
    """Return one comparison per collective and size."""
    suite = folder / "versus_loop.toml"
    suite.write_text(_SUITE.format(collectives=collectives, sizes=sizes, ranks=ranks))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"]
    script = str(Path(__file__).with_name("versus_loop.py"))
    command = [*torchrun, "--nproc-per-node", str(ranks), script, str(seconds), str(suite)]
    environment = {
        **clean_environment(),
        "GLOO_SOCKET_IFNAME": "lo",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(Path.cwd()),
    }
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
