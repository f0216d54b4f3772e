"""Part C24: slow ends and slow paths, planted in a network of namespaces, are named by `commbench locate`.

They take some five minutes, so only `make truth` runs them; four are in tests/cluster/test_locate.py.
"""

from pathlib import Path

import pytest

from tests.cluster.emulation import Cluster, missing
from tests.cluster.locating import CASES, HOSTS, Case, locate
from tests.truth.full import only_in_full
from tests.truth.table import TruthTable

pytestmark = [pytest.mark.alone, pytest.mark.ranks, pytest.mark.timeout(180)]

WHERE = "truth/test_links_truth.py"


@only_in_full("some minutes")
@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_C24_P30_a_slow_end_or_path_is_named_and_nothing_else(
    tmp_path: Path, truth_table: TruthTable, case: Case, number: int
) -> None:
    if reason := missing():
        pytest.skip(reason)
    with Cluster(tmp_path, hosts=HOSTS, rate_a=case.rate) as lab:
        case.plant(lab)
        located = locate(lab, tmp_path)
    assert located.report, located.said
    holds = located.found == ([case.found] if case.found else []) and located.code == (1 if case.found else 0)
    truth_table.add(
        f"P30, C24 which link is slow: {case.name}, round {number}",
        " ".join(map(str, case.found)) or "nothing is slow",
        f"{located.found or 'nothing'}; reference {located.report['reference_gb_s'] * 8:.2f} Gbit/s",
        holds,
        WHERE,
    )
    assert holds, located
