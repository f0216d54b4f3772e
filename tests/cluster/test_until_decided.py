"""Networks of an emulated cluster, compared until it is decided: the true ratio is found, and equals have no winner.

`COMMBENCH_DECISIONS=20 pytest tests/cluster/test_until_decided.py` measures a third network as well, which is the first
one under another name, and repeats all of it: the promise of 20 of 20. Without it
`tests/cli/test_until_decided.py` holds simulated fabrics against each other.
"""

import os
from collections.abc import Callable

import pytest

from commbench.analysis.comparison import Comparison, Verdict
from commbench.analysis.decision import compare_fabrics
from tests.cluster.conftest import HostsRun, MakeCluster
from tests.cluster.emulation import FAB_A, FAB_B, Cluster, bits_per_s
from tests.cluster.test_fabrics import GOODPUT, RATES, points_of

REPEATS = int(os.environ.get("COMMBENCH_DECISIONS", "0"))
INTERFACES = {"fast": FAB_A, "slow": FAB_B} | ({"again": FAB_A} if REPEATS else {})
TRUTH = bits_per_s(RATES["fast"]) * GOODPUT["fast"] / (bits_per_s(RATES["slow"]) * GOODPUT["slow"])
LIMIT_S = 1500 if REPEATS else 280  # repeats may run beside other work

SUITE = """
[suite]
name = "decided"
[sweep]
collectives = ["all_reduce"]
sizes = ["8MiB"]
nodes = [2]
backend = "gloo"
fabrics = [{names}]
[measure]
decide = "3%"
launches = 7
max_launches = 7
iterations = 8
warmup_iterations = 2
visit_iterations = 4
verify_share = 0.0
point_limit_s = 60.0
"""
TABLE = '[fabrics.{name}]\nkind = "tcp"\ninterface = "{interface}"\n'


@pytest.fixture
def measured(cluster: MakeCluster, hosts_run: Callable[[Cluster], HostsRun]) -> tuple[Comparison, ...]:
    """Return what a run of seven blocks says of the fast network against each of the others."""
    run = hosts_run(cluster(hosts=2, rate_a=RATES["fast"], rate_b=RATES["slow"]))
    run.variables.pop("GLOO_SOCKET_IFNAME", None)  # the suite says it
    tables = (TABLE.format(name=name, interface=interface) for name, interface in INTERFACES.items())
    names = ", ".join(f'"{name}"' for name in INTERFACES)
    (run.folder / "hosts.toml").write_text("".join([SUITE.format(names=names), *tables]))
    code, said = run.wait(run.start(), limit_s=LIMIT_S)
    assert code == 0, said
    return compare_fabrics(points_of(run), list(INTERFACES), 0.03)


@pytest.mark.alone
@pytest.mark.skipif(not REPEATS, reason="a minute and a half a repeat: COMMBENCH_DECISIONS=20 runs it")
@pytest.mark.timeout(LIMIT_S + 20)
@pytest.mark.parametrize("repeat", range(max(REPEATS, 1)))
def test_the_faster_network_wins_by_its_true_ratio_and_its_equal_does_not(
    measured: tuple[Comparison, ...], repeat: int
) -> None:
    unequal, *equals = measured
    busbw = unequal.rows[0].finding("busbw")
    assert busbw is not None
    assert busbw.verdict is Verdict.A_FASTER
    assert busbw.ratio == pytest.approx(TRUTH, rel=0.05)
    print(f"ratio {busbw.ratio:.4f}, truth {TRUTH:.4f}; {[dict(each.verdicts) for each in equals]}")
    assert not {Verdict.A_FASTER, Verdict.B_FASTER} & {verdict for each in equals for verdict in each.verdicts}
