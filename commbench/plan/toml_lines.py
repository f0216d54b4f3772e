"""Find the line of every key and array element of a TOML text, which `tomllib` does not tell.

The text has been read by `tomllib` before, so it is known to be valid TOML: this only follows its structure.
"""

import re
import tomllib
from collections.abc import Sequence

Location = tuple[str | int, ...]

_TOKEN = re.compile(
    r"""
      (?P<skip>[ \t\r]+|\#[^\n]*)
    | (?P<string>\"{3}(?:[^\\]|\\.)*?\"{3,5}|'{3}.*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')
    | (?P<mark>[\[\]{}=,.\n])
    | (?P<bare>[^\s\[\]{}=,.\#"']+)
    """,
    re.VERBOSE | re.DOTALL,
)


class TomlLines:
    """The lines, counted from 1, of what a valid TOML text defines."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, int]] = []
        self._next = 0
        self._lines: dict[Location, int] = {}
        line = 1
        for match in _TOKEN.finditer(text):
            if match.lastgroup != "skip":
                self._tokens.append((match.group(), line))
            line += match.group().count("\n")
        self._document()

    def find(self, location: Sequence[str | int]) -> int:
        """Return the line of a key or array element, of the nearest thing around it if absent, or 1."""
        for length in range(len(location), 0, -1):
            if (line := self._lines.get(tuple(location[:length]))) is not None:
                return line
        return 1

    def _peek(self) -> str:
        return self._tokens[self._next][0] if self._next < len(self._tokens) else ""

    def _take(self) -> tuple[str, int]:
        self._next += 1
        return self._tokens[self._next - 1]

    def _skip_newlines(self) -> None:
        while self._peek() == "\n":
            self._next += 1

    def _document(self) -> None:
        table: Location = ()
        tables_seen: dict[Location, int] = {}
        self._skip_newlines()
        while self._peek():
            if self._peek() == "[":
                brackets = 2 if self._tokens[self._next + 1][0] == "[" else 1
                self._next += brackets
                table = self._key(())
                self._next += brackets
                if brackets > 1:  # [[table]]: one more element of an array of tables
                    table = (*table, tables_seen.setdefault(table, 0))
                    tables_seen[table[:-1]] += 1
            else:
                self._pair(table)
            self._skip_newlines()

    def _pair(self, table: Location) -> None:
        key = self._key(table)
        self._next += 1  # the =
        self._value(key)

    def _key(self, table: Location) -> Location:
        while True:
            token, line = self._take()
            table = (*table, _unquote(token))
            self._lines.setdefault(table, line)
            if self._peek() != ".":
                return table
            self._next += 1

    def _value(self, location: Location) -> None:
        first = self._peek()
        if first == "[":
            self._array(location)
        elif first == "{":
            self._inline_table(location)
        else:
            while self._peek() not in {"", "\n", ",", "]", "}"}:
                self._next += 1

    def _array(self, location: Location) -> None:
        self._next += 1
        index = 0
        self._skip_newlines()
        while self._peek() != "]":
            self._lines[(*location, index)] = self._tokens[self._next][1]
            self._value((*location, index))
            index += 1
            self._skip_separators()
        self._next += 1

    def _inline_table(self, location: Location) -> None:
        self._next += 1
        self._skip_separators()
        while self._peek() != "}":
            self._pair(location)
            self._skip_separators()
        self._next += 1

    def _skip_separators(self) -> None:
        while self._peek() in {"\n", ","}:
            self._next += 1


def _unquote(token: str) -> str:
    return str(tomllib.loads(f"key = {token}")["key"]) if token[0] in "\"'" else token
