"""`commbench run --hosts` through remote shells that are small scripts: no root, no other hosts."""

from collections.abc import Callable

import pandas as pd
import pytest

from commbench.errors import ExitCode

from .command import TINY, Workplace

REAL = TINY.replace("simulated", "gloo").replace("[2, 4]", "[2]").replace("1KiB..1MiB x32", "1KiB")
Shell = Callable[[str], str]


@pytest.fixture
def shell(workplace: Workplace) -> Shell:
    """Return a maker of remote shells: what they do with the command that comes after the host."""

    def make(text: str) -> str:
        path = workplace.path / "shell"
        path.write_text(f"#!/bin/sh\nhost=$1; shift\n{text}\n")
        path.chmod(0o755)
        return str(path)

    return make


@pytest.mark.ranks
def test_any_command_that_takes_a_host_and_a_command_starts_ranks(workplace: Workplace, shell: Shell) -> None:
    workplace.write("real.toml", REAL)
    where = ("--hosts", "x,y", "--remote-shell", shell('exec "$@"'), "--master-addr", "127.0.0.1")
    done = workplace.run("run", "./real.toml", *where, GLOO_SOCKET_IFNAME="lo")
    assert done.returncode == 0, done.stderr
    assert set(pd.read_parquet(workplace.store / "points")["status"]) == {"ok"}


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exec /no/such/python", "host x was not reached.*not found"),
        ('exec "$@" < /dev/null', "heard no order on its standard input; the remote shell must hand standard input on"),
        ('[ $host = x ] && exec "$@"; echo no route to $host >&2; exit 255', "host y was not reached.*no route to y"),
    ],
    ids=["no python", "no standard input", "no route"],
)
def test_a_host_that_does_not_answer_is_named_with_what_its_shell_said(
    workplace: Workplace, shell: Shell, script: str, said: str
) -> None:
    workplace.write("real.toml", REAL)
    done = workplace.run("run", "./real.toml", "--hosts", "x,y", "--remote-shell", shell(script))
    assert done.returncode == ExitCode.RANK, done.stderr
    reason = pd.read_parquet(workplace.store / "runs")["reason"].item()
    assert pd.Series([reason]).str.contains(said).all(), reason


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--hosts", "a,b", "--ranks", "3"), "3 ranks do not divide over 2 hosts"),
        (("--hosts", "a,b", "--ranks", "4", "--ranks-per-host", "2"), "give one of them"),
        (("--hosts", "a,a"), "a host is there twice"),
        (("--hosts", "a,-x"), "'-x' is no host"),
        (("--ranks-per-host", "2"), "needs --hosts"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_options_that_make_no_sense_are_exit_2_and_nothing_is_written(
    workplace: Workplace, arguments: tuple[str, ...], said: str
) -> None:
    workplace.write("real.toml", REAL)
    done = workplace.run("run", "./real.toml", *arguments)
    assert done.returncode == ExitCode.USAGE
    assert said in done.stderr
    assert not workplace.store.exists()
