from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from commbench.environment.variables import allowed_variables, conf_files

FAMILIES = ("NCCL_", "GLOO_", "TORCH_", "UCX_")
SECRETS = ("TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIALS", "API_KEY", "APIKEY")

words = st.sampled_from([*FAMILIES, *SECRETS, *map(str.lower, SECRETS), "DEBUG", "IB_HCA", "AWS_", "_", "nccl_", "X"])
names = st.lists(words, min_size=1, max_size=4).map("".join) | st.text(min_size=1)
environments = st.dictionaries(names, st.text(), max_size=12)


def is_secret(name: str) -> bool:
    return any(word in name.upper() for word in SECRETS)


@given(environments)
@example({"TORCH_HUB_TOKEN": "s3cret", "NCCL_Api_Key": "s3cret", "HF_TOKEN": "s3cret", "NCCL_DEBUG": "INFO"})
def test_no_name_outside_the_families_and_no_secret_is_ever_recorded(environ: dict[str, str]) -> None:
    recorded = allowed_variables(environ)
    assert all(name.startswith(FAMILIES) and not is_secret(name) for name in recorded)


@given(environments)
def test_everything_else_of_the_families_is_recorded_as_it_is(environ: dict[str, str]) -> None:
    wanted = {name: environ[name] for name in environ if name.startswith(FAMILIES) and not is_secret(name)}
    assert allowed_variables(environ) == wanted


def test_settings_that_decide_a_run_are_recorded() -> None:
    environ = {"NCCL_ALGO": "Ring", "GLOO_SOCKET_IFNAME": "lo", "UCX_TLS": "rc", "PATH": "/bin", "HOME": "/root"}
    assert set(allowed_variables(environ)) == {"NCCL_ALGO", "GLOO_SOCKET_IFNAME", "UCX_TLS"}


def test_the_conf_files_of_home_and_of_the_variable_are_recorded_with_their_path(tmp_path: Path) -> None:
    home, other = tmp_path / ".nccl.conf", tmp_path / "other.conf"
    home.write_text("NCCL_ALGO=Tree\n")
    other.write_text("NCCL_PROTO=LL\n")
    texts = conf_files({"HOME": str(tmp_path), "NCCL_CONF_FILE": str(other)})
    assert texts[str(home)] == "NCCL_ALGO=Tree\n"
    assert texts[str(other)] == "NCCL_PROTO=LL\n"


def test_conf_files_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    (tmp_path / ".nccl.conf").mkdir()
    texts = conf_files({"HOME": str(tmp_path), "NCCL_CONF_FILE": str(tmp_path / "absent")})
    assert not [path for path in texts if path.startswith(str(tmp_path))]


def test_an_endless_binary_conf_file_is_cut_to_a_screenful(tmp_path: Path) -> None:
    (tmp_path / ".nccl.conf").write_bytes(b"\xff\x00" * 1_000_000)
    text = conf_files({"HOME": str(tmp_path)})[str(tmp_path / ".nccl.conf")]
    assert len(text) == 64 * 1024
