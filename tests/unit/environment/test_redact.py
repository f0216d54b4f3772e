import pytest
from hypothesis import given
from hypothesis import strategies as st

from commbench.environment.redact import redact_text, redact_words
from commbench.environment.variables import allowed_variables, conf_files

SECRET = "hunter2-4f9c"


@pytest.mark.parametrize(
    "words",
    [
        ["--token", SECRET],
        ["--token=" + SECRET],
        ["-token", SECRET],
        ["--api-key", SECRET],
        ["--db-password=" + SECRET],
        ["AWS_SECRET_ACCESS_KEY=" + SECRET],
        ["AWS_ACCESS_KEY_ID=" + SECRET],
        ["--env=GITHUB_TOKEN=" + SECRET],
        ["--env", "GITHUB_TOKEN=" + SECRET],
        ["Authorization: Bearer " + SECRET],
        ["--header", "Authorization:" + SECRET],
        ["--store", f"s3://AKIA:{SECRET}@bucket/prefix"],
        ["--store", f"s3://{SECRET}@bucket/prefix"],
        [f"--store=https://user:{SECRET}@host/x?y=1"],
        [f"https://host/x?X-Amz-Signature={SECRET}&y=1"],
        [f"https://host/x?sv=1&sig={SECRET}"],
        [f"https://host/x?a=1&X-Amz-Security-Token={SECRET}#part"],
    ],
)
def test_no_secret_that_has_a_name_is_shown(words: list[str]) -> None:
    shown = redact_words(["commbench", "run", *words, "--ranks", "4"])
    assert SECRET not in " ".join(shown)
    assert shown[:2] == ("commbench", "run")
    assert shown[-2:] == ("--ranks", "4")


def test_other_words_stay_as_they_are() -> None:
    words = ("commbench", "run", "token_suite.toml", "--cluster", "key=lab", "--store", "s3://bucket/a@b", "--ranks=4")
    assert redact_words(words) == words
    assert redact_words(["--token", "--ranks", "4"]) == ("--token", "--ranks", "4")


@given(st.lists(st.text(max_size=30), max_size=6))
def test_words_stay_words_and_masking_twice_changes_nothing(words: list[str]) -> None:
    once = redact_words(words)
    assert len(once) == len(words)
    assert redact_words(once) == once


def test_variables_and_conf_files_lose_the_secrets_in_their_urls(tmp_path_factory: pytest.TempPathFactory) -> None:
    environ = {"NCCL_CONF_URL": f"https://me:{SECRET}@host/nccl.conf", "UCX_PRIVATE_KEY": SECRET, "NCCL_DEBUG": "INFO"}
    assert allowed_variables(environ) == {"NCCL_CONF_URL": "https://***@host/nccl.conf", "NCCL_DEBUG": "INFO"}
    conf = tmp_path_factory.mktemp("conf") / "nccl.conf"
    conf.write_text(f"NCCL_A=https://{SECRET}@host\nNCCL_B=1\n")
    texts = conf_files({"NCCL_CONF_FILE": str(conf), "HOME": "/nonexistent"})
    assert texts[str(conf)] == "NCCL_A=https://***@host\nNCCL_B=1\n"


def test_a_text_without_urls_is_left_alone() -> None:
    assert redact_text("a@b.c user:password x=1&y") == "a@b.c user:password x=1&y"
