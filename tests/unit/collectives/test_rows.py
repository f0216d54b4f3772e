"""The laws that every row of the table obeys, for all ranks of small worlds, in plain Python."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commbench.collectives import COLLECTIVES, Collective, get
from commbench.collectives.base import Geometry
from commbench.errors import UsageError

rows = st.sampled_from(list(COLLECTIVES.values()))
worlds = st.integers(2, 9)
requests = st.integers(1, 5000)
elements = st.sampled_from([1, 2, 4, 8])
skews = st.floats(0, 3)

BUS_FACTORS = {  # nccl-tests doc/PERFORMANCE.md
    "all_reduce": lambda n: Fraction(2 * (n - 1), n),
    "all_gather": lambda n: Fraction(n - 1, n),
    "reduce_scatter": lambda n: Fraction(n - 1, n),
    "all_to_all": lambda n: Fraction(n - 1, n),
    "all_to_all_v": lambda n: Fraction(n - 1, n),
    "broadcast": lambda n: Fraction(1),
    "send_recv": lambda n: Fraction(1),
    "bucketed_all_reduce": lambda n: Fraction(2 * (n - 1), n),
    "bucketed_reduce_scatter": lambda n: Fraction(n - 1, n),
}


def layout(row: Collective, requested: int, element: int, world: int, skew: float) -> Geometry:
    return row.geometry(requested, element, world, skew if row.is_uneven else 0.0)


def test_there_are_nine_collectives_under_their_own_names() -> None:
    assert set(COLLECTIVES) == set(BUS_FACTORS)
    assert all(get(name).name == name for name in COLLECTIVES)
    with pytest.raises(UsageError, match="no collective 'gather'; there are all_gather, "):
        get("gather")


@pytest.mark.parametrize("world", range(2, 65))
@pytest.mark.parametrize("name", sorted(BUS_FACTORS))
def test_bus_factors_are_those_of_nccl_tests(name: str, world: int) -> None:
    assert COLLECTIVES[name].bus_factor(world) == pytest.approx(float(BUS_FACTORS[name](world)), rel=1e-15)


@given(rows, requests, elements, worlds, skews)
def test_a_layout_never_exceeds_the_request_by_its_own_count(
    row: Collective, requested: int, element: int, world: int, skew: float
) -> None:
    geometry = layout(row, requested, element, world, skew)
    assert 0 <= geometry.size_bytes <= requested
    sent, received = row.buffer_counts(geometry, 0)
    assert geometry.size_bytes in {sent * element, received * element} or row.is_uneven
    assert all(count >= 0 for count in geometry.destination_counts)


@given(rows, requests, elements, worlds, skews)
def test_pieces_cover_every_received_element_exactly_once(
    row: Collective, requested: int, element: int, world: int, skew: float
) -> None:
    geometry = layout(row, requested, element, world, skew)
    for rank in range(world):
        _, received = row.buffer_counts(geometry, rank)
        covered = [0] * received
        for piece in row.pieces(geometry, rank):
            for index in range(piece.start, piece.start + piece.count):
                covered[index] += 1
        assert covered == [1] * received


@given(rows, requests, elements, worlds, skews)
def test_pieces_read_only_what_was_sent(row: Collective, requested: int, element: int, world: int, skew: float) -> None:
    geometry = layout(row, requested, element, world, skew)
    for rank in range(world):
        for piece in row.pieces(geometry, rank):
            assert row.reduces or len(piece.sources) == 1
            for source, start in piece.sources:
                assert 0 <= start <= start + piece.count <= row.buffer_counts(geometry, source)[0]


@given(
    st.sampled_from(["all_to_all", "all_to_all_v", "send_recv", "reduce_scatter"]), requests, elements, worlds, skews
)
def test_every_sent_element_is_received_exactly_once(
    name: str, requested: int, element: int, world: int, skew: float
) -> None:
    row = COLLECTIVES[name]
    geometry = layout(row, requested, element, world, skew)
    used = [[0] * row.buffer_counts(geometry, rank)[0] for rank in range(world)]
    for rank in range(world):
        for piece in row.pieces(geometry, rank):
            for source, start in piece.sources:
                for index in range(start, start + piece.count):
                    used[source][index] += 1
    assert all(set(counts) <= {1} for counts in used)


@given(rows, requests, elements, worlds, skews)
def test_totals_over_ranks_match(row: Collective, requested: int, element: int, world: int, skew: float) -> None:
    geometry = layout(row, requested, element, world, skew)
    counts = [row.buffer_counts(geometry, rank) for rank in range(world)]
    sent, received = sum(count[0] for count in counts), sum(count[1] for count in counts)
    scattered = Fraction(1, world)
    gains = {"all_gather": Fraction(world), "reduce_scatter": scattered, "bucketed_reduce_scatter": scattered}
    gain = gains.get(row.name, Fraction(1))
    assert received == sent * gain


@given(requests, elements, worlds, skews)
def test_an_uneven_exchange_conserves_elements_and_favours_low_ranks(
    requested: int, element: int, world: int, skew: float
) -> None:
    row = COLLECTIVES["all_to_all_v"]
    geometry = row.geometry(requested, element, world, skew)
    assert sum(geometry.destination_counts) == geometry.count * world
    assert list(geometry.destination_counts) == sorted(geometry.destination_counts, reverse=True)
    assert row.bandwidth_bytes(geometry) >= geometry.size_bytes


def test_an_even_skew_is_all_to_all() -> None:
    even, uneven = (COLLECTIVES[name].geometry(4096, 4, 4, 0.0) for name in ("all_to_all", "all_to_all_v"))
    assert (even.count, even.size_bytes) == (uneven.count, uneven.size_bytes)
    assert uneven.destination_counts == (even.count,) * 4


@pytest.mark.parametrize("row", COLLECTIVES.values(), ids=lambda row: row.name)
def test_in_place_the_smaller_buffer_lies_within_the_larger(row: Collective) -> None:
    geometry = layout(row, 4096, 4, 4, 1.0)
    for rank in range(4) if True in row.placements else ():
        sent, received = row.buffer_counts(geometry, rank)
        assert 0 <= row.in_place_start(geometry, rank) <= max(sent, received) - min(sent, received)
