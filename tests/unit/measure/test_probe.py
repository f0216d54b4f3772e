"""A probe makes every different call once and brings home what NCCL wrote."""

import os
from pathlib import Path

from commbench.backend.simulated import SimulatedBackend
from commbench.measure.probe import listening, probe
from commbench.plan.expand import expand
from commbench.plan.load import load


def test_ranks_listen_in_a_file_of_their_own_that_vanishes_again() -> None:
    environ = {"NCCL_DEBUG": "WARN"}
    with listening(environ) as path:
        assert environ["NCCL_DEBUG"] == "INFO"
        assert environ["NCCL_DEBUG_FILE"] == str(path)
        assert path.parent.is_dir()
    assert not path.parent.exists()
    assert "NCCL_DEBUG_FILE" not in os.environ


def test_the_log_of_every_rank_is_kept_without_lines_of_others(tmp_path: Path) -> None:
    suite = tmp_path / "s.toml"
    suite.write_text(
        '[suite]\nname = "s"\n[sweep]\ncollectives = ["all_reduce"]\nsizes = [1024, 2048]\nranks = [2]\n'
        'backend = "simulated"\n[measure]\nlaunches = 2\n'
    )
    plan = expand(load(str(suite)))
    log = tmp_path / "nccl.log"
    log.write_text("h:1:2 [0] NCCL INFO Using network IB\nsecret of somebody else\n")
    backend = SimulatedBackend(plan)
    said = probe(plan, backend, [point.point_id for point in plan.points], log)
    assert said == "h:1:2 [0] NCCL INFO Using network IB"
    assert probe(plan, backend, [], tmp_path / "none") == ""
