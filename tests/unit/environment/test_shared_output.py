"""What processes tell at the same moment can be read: every text in one piece."""

import subprocess
import sys
from pathlib import Path

PROCESSES, TEXTS = 4, 300
TELLER = """
import sys
from commbench.environment.shared_output import tell
for number in range({texts}):
    tell("\\n".join(f"{{sys.argv[1]}} {{number}} {{line}}" for line in range(5)))
"""


def test_texts_of_several_processes_do_not_mix(tmp_path: Path) -> None:
    with (tmp_path / "log").open("ab") as log:
        tellers = [
            subprocess.Popen([sys.executable, "-c", TELLER.format(texts=TEXTS), str(teller)], stderr=log)
            for teller in range(PROCESSES)
        ]
        assert [teller.wait() for teller in tellers] == [0] * PROCESSES
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == PROCESSES * TEXTS * 5
    for begin in range(0, len(lines), 5):
        who, number, _ = lines[begin].split()
        assert lines[begin : begin + 5] == [f"{who} {number} {line}" for line in range(5)]
