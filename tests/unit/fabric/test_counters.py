import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commbench.fabric.counter_rules import difference
from commbench.fabric.counters import LinkDelta, deltas, snapshot

from .trees import IB, ROCE, count, interface, port, proc_net_dev, write

SAMPLES = Path(__file__).parents[4] / "shared/samples/fabric"


def _between(tmp_path: Path, before: dict[str, object], after: dict[str, object]) -> LinkDelta:
    port(tmp_path, "mlx5_0", IB)
    count(tmp_path, "mlx5_0", **before)
    first = snapshot(tmp_path, None)
    count(tmp_path, "mlx5_0", **after)
    (delta,) = deltas(first, snapshot(tmp_path, None))
    return delta


def test_data_is_counted_in_words_of_four_bytes(tmp_path: Path) -> None:
    delta = _between(
        tmp_path, {"port_xmit_data": 1000, "port_rcv_data": 7}, {"port_xmit_data": 251000, "port_rcv_data": 9}
    )
    assert (delta.link, delta.fabric, delta.tx_bytes, delta.rx_bytes) == ("mlx5_0:1", "infiniband", 1_000_000, 8)
    assert delta.notable == {}


def test_efa_counts_bytes_under_names_of_its_own(tmp_path: Path) -> None:
    delta = _between(tmp_path, {"hw_tx_bytes": 5, "hw_rx_bytes": 1}, {"hw_tx_bytes": 1005, "hw_rx_bytes": 3})
    assert (delta.tx_bytes, delta.rx_bytes) == (1000, 2)


def test_a_port_without_performance_counters_is_unknown_and_not_idle(tmp_path: Path) -> None:
    nothing = {"port_xmit_data": "N/A (no PMA)", "port_rcv_data": "N/A (no PMA)"}
    delta = _between(tmp_path, dict(nothing), dict(nothing))
    assert (delta.tx_bytes, delta.rx_bytes) == (None, None)


def test_a_queue_counter_of_32_bits_that_wrapped_went_on_counting(tmp_path: Path) -> None:
    delta = _between(tmp_path, {"hw_out_of_sequence": 2**32 - 5}, {"hw_out_of_sequence": 10})
    assert delta.notable == {"out_of_sequence": 15}


def test_a_counter_that_stands_at_its_end_says_at_least(tmp_path: Path) -> None:
    delta = _between(tmp_path, {"symbol_error": 65000}, {"symbol_error": 65535})
    assert delta.notable == {"symbol_error": 535}
    assert delta.saturated == ("symbol_error",)
    # The H100 sample of the design: 15 is the largest value of four bits, and says nothing about this run.
    stood = _between(
        tmp_path,
        {"excessive_buffer_overrun_errors": 15},
        {"excessive_buffer_overrun_errors": 15, "symbol_error": 65535},
    )
    assert "excessive_buffer_overrun_errors" not in stood.notable
    assert "excessive_buffer_overrun_errors" in stood.saturated


def test_a_counter_that_somebody_reset_counts_from_there(tmp_path: Path) -> None:
    assert _between(tmp_path, {"symbol_error": 500}, {"symbol_error": 3}).notable == {"symbol_error": 3}
    assert _between(tmp_path, {"hw_np_cnp_sent": 2**33}, {"hw_np_cnp_sent": 4}).notable == {"np_cnp_sent": 4}


def test_bytes_across_a_reset_are_unknown(tmp_path: Path) -> None:
    assert _between(tmp_path, {"port_xmit_data": 500}, {"port_xmit_data": 3}).tx_bytes is None


def test_the_driver_s_cache_time_is_no_counter(tmp_path: Path) -> None:
    port(tmp_path, "mlx5_0", ROCE)
    count(tmp_path, "mlx5_0", hw_lifespan=10, hw_out_of_sequence=1)
    assert set(snapshot(tmp_path, None)[0].counters) == {"out_of_sequence"}


def test_interfaces_are_read_from_proc_whatever_is_mounted_on_sys(tmp_path: Path) -> None:
    tree, proc = tmp_path / "sys", tmp_path / "proc"
    interface(tree, "fabA", statistics__tx_bytes=999999)  # another namespace's
    interface(tree, "eth0", statistics__tx_bytes=999999)
    proc_net_dev(proc, fabA=(100, 200), lo=(5, 5))
    first = snapshot(tree, proc)
    proc_net_dev(proc, fabA=(1100, 700), lo=(6, 6))
    found = {delta.link: delta for delta in deltas(first, snapshot(tree, proc))}
    assert (found["fabA"].tx_bytes, found["fabA"].rx_bytes, found["fabA"].fabric) == (1000, 500, "tcp")
    assert found["lo"].is_loopback
    assert set(found) == {"fabA", "lo"}


def test_without_proc_the_tree_s_statistics_are_read(tmp_path: Path) -> None:
    interface(tmp_path, "eth0", statistics__tx_bytes=100, statistics__rx_bytes=50, statistics__rx_dropped=1)
    first = snapshot(tmp_path, None)
    write(tmp_path, "class/net/eth0/statistics/rx_dropped", 4)
    (delta,) = deltas(first, snapshot(tmp_path, None))
    assert (delta.tx_bytes, delta.rx_bytes, delta.notable) == (0, 0, {"rx_dropped": 3})


def test_a_link_that_came_meanwhile_is_left_out(tmp_path: Path) -> None:
    interface(tmp_path, "eth0")
    first = snapshot(tmp_path, None)
    interface(tmp_path, "eth1")
    assert [delta.link for delta in deltas(first, snapshot(tmp_path, None))] == ["eth0"]


def test_this_machine_s_loopback_counts_what_is_sent_over_it() -> None:
    import socket

    sent_bytes = 2**20
    before = snapshot()
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        receiver, _ = server.accept()
        with receiver:
            for _ in range(16):
                client.sendall(bytes(sent_bytes // 16))
                left = sent_bytes // 16
                while left:
                    left -= len(receiver.recv(left))
    lo = next(delta for delta in deltas(before, snapshot()) if delta.is_loopback)
    assert lo.tx_bytes is not None
    assert lo.tx_bytes >= sent_bytes


def test_in_another_network_namespace_only_its_own_interfaces_are_counted() -> None:
    unshare = shutil.which("unshare")
    if not unshare or subprocess.run([unshare, "--net", "true"], capture_output=True, check=False).returncode:
        pytest.skip("cannot make a network namespace here: it takes root and util-linux")
    program = "from commbench.fabric.counters import snapshot; print([reading.link for reading in snapshot()])"
    command = [unshare, "--net", sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "['lo']\n"  # though the /sys that is mounted still shows the interfaces of the other


@given(before=st.integers(0, 2**32 - 1), growth=st.integers(0, 2**32 - 1))
def test_any_growth_below_the_wrap_is_recovered(before: int, growth: int) -> None:
    assert difference("out_of_sequence", before, (before + growth) % 2**32) == growth


@given(
    name=st.sampled_from(["symbol_error", "np_cnp_sent", "out_of_sequence"]), values=st.tuples(*[st.integers(0)] * 2)
)
def test_no_counter_ever_goes_backwards(name: str, values: tuple[int, int]) -> None:
    assert difference(name, *values) >= 0


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no samples beside the repository")
def test_the_congested_sample_shows_congestion_and_loss() -> None:
    (bond,) = snapshot(SAMPLES / "roce_bond_gids_and_congestion", None)
    assert bond.tx_bytes is None  # the sample has no counters/
    assert bond.counters["np_cnp_sent"] == 1052612505
    assert bond.counters["out_of_sequence"] == 1811101
