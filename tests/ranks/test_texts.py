import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.ranks

# Every rank sends a text of its own, the empty one and one that is not ASCII among them.
_RANK = """
import json, sys
from datetime import timedelta
import torch.distributed as dist
from commbench.backend.torch_text import gather_texts
rank, path = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method="file://" + path, rank=rank, world_size=3, timeout=timedelta(seconds=60))
first = gather_texts(["", "zero \\0 é \\U0001f600", "x" * 5000][rank])
second = gather_texts("")
print(json.dumps([first, second]))
dist.destroy_process_group()
"""


def test_texts_of_any_length_arrive_at_rank_0_as_they_were(tmp_path: Path) -> None:
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", _RANK, str(rank), str(tmp_path / "meet")],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        for rank in range(3)
    ]
    answers = [json.loads(rank.communicate(timeout=100)[0]) for rank in ranks]
    assert answers[0] == [["", "zero \0 é \U0001f600", "x" * 5000], ["", "", ""]]
    assert answers[1:] == [[[], []]] * 2
