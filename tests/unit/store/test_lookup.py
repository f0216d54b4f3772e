import pytest

from commbench.errors import UsageError
from commbench.store.lookup import find_run

RUNS = ("20260302-b", "20260301-a", "20250101-z")


@pytest.mark.parametrize(
    ("text", "run_id"),
    [("latest", "20260302-b"), ("20260301-a", "20260301-a"), ("2025", "20250101-z"), ("20260301", "20260301-a")],
)
def test_latest_whole_ids_and_unique_beginnings(text: str, run_id: str) -> None:
    assert find_run(text, RUNS, "results") == run_id


def test_a_whole_id_wins_over_longer_ones() -> None:
    assert find_run("a", ("ab", "a"), "results") == "a"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026", "begins 2 runs; write more of one of 20260302-b, 20260301-a"),
        ("20260301a", "no run '20260301a' in results; did you mean '20260301-a'"),
        ("lastest", "did you mean 'latest'"),
        ("", "the newest are 20260302-b"),
    ],
)
def test_other_words_are_answered_with_candidates(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        find_run(text, RUNS, "results")


def test_an_empty_store_says_what_to_do() -> None:
    with pytest.raises(UsageError, match="results holds no runs yet; make one with `commbench run smoke`"):
        find_run("latest", (), "results")
