"""Read a suite file, or one that comes with commbench, and report all of its mistakes at once."""

import re
import tomllib
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from commbench.assets import suite_files
from commbench.errors import SuiteError
from commbench.plan.checks import across_keys
from commbench.plan.problems import from_pydantic, render
from commbench.plan.suite import Suite
from commbench.plan.toml_lines import TomlLines
from commbench.plan.wording import closest

_POSITION = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class LoadedSuite:
    """A suite without mistakes; `hash` is the SHA-256 of its text in hexadecimal."""

    suite: Suite
    text: str
    path: Path
    hash: str


def load(path_or_name: str) -> LoadedSuite:
    """Return the suite in a file, or the one of that name that comes with commbench.

    Raises:
        SuiteError: there is no such file or suite, or it has mistakes; the message lists all of them.
    """
    path = find(path_or_name)
    text = _read(path)
    raw = _parse(text, path.name)
    problems = []
    try:
        suite = Suite.model_validate(raw)
    except ValidationError as error:
        problems += from_pydantic(error)
    problems += across_keys(raw)
    if problems:
        raise SuiteError(render(problems, path.name, TomlLines(text)))
    return LoadedSuite(suite, text, path, sha256(text.encode()).hexdigest())


def find(path_or_name: str) -> Path:
    """Return the file that a path or the bare name of a shipped suite means.

    Raises:
        SuiteError: a bare name that no shipped suite has.
    """
    path = Path(path_or_name)
    shipped = {file.stem: file for file in suite_files()}
    if path_or_name in shipped:
        return shipped[path_or_name]
    if path.suffix or len(path.parts) != 1 or path.is_file():
        return path
    guess = closest(path_or_name, shipped)
    question = f"; did you mean {guess!r}?" if guess else ""
    raise SuiteError(
        f"no suite {path_or_name!r}{question} (there are {', '.join(shipped)}; your own is named by its path, "
        "such as ./my.toml)"
    )


def _read(path: Path) -> str:
    if path.is_dir():
        raise SuiteError(f"{path}: is a directory; name a suite file in it, such as {path / 'smoke.toml'}")
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        names = ", ".join(file.stem for file in suite_files())
        raise SuiteError(f"{path}: no such file; the suites that come with commbench are {names}") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise SuiteError(f"{path}: cannot be read: {reason}") from error
    try:
        return data.decode("utf-8-sig")  # some editors on Windows put a mark first, which TOML does not know
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SuiteError(
            f"{path.name}:{line}: not UTF-8 text (byte 0x{data[error.start]:02x}); save the file as UTF-8"
        ) from error


def _parse(text: str, file_name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise SuiteError(f"{file_name}: nested too deeply to be a suite") from error
    except ValueError as error:  # TOMLDecodeError, or what int() says of a number with thousands of digits
        message = str(error)
        match = _POSITION.search(message)
        if match is None:
            raise SuiteError(f"{file_name}: not TOML: {message}") from error
        line, column = match.groups()
        at = f"{line}:{column}" if line else f"{text.count(chr(10)) + (not text.endswith(chr(10)))}"
        raise SuiteError(f"{file_name}:{at}: not TOML: {message[: match.start()]}") from error
