"""What there is to work with, as text: suites, collectives, and runs that are unfinished."""

import shlex
import tomllib
from collections.abc import Sequence
from pathlib import Path

from commbench.assets import suite_files
from commbench.collectives import COLLECTIVES
from commbench.errors import CommbenchError
from commbench.journal.folder import JournalFolder
from commbench.journal.read import read_journal


def suites_table() -> str:
    """Return the suites that come with commbench and the collectives that a suite can name, a line each."""
    about = {path.stem: tomllib.loads(path.read_text(encoding="utf-8"))["suite"] for path in suite_files()}
    suites = [(name, str(table.get("description", ""))) for name, table in about.items()]
    collectives = [(row.name, row.summary) for row in COLLECTIVES.values()]
    return f"Suites\n{_pairs(suites)}\nCollectives\n{_pairs(collectives)}"


def unfinished_table(journals: Sequence[Path]) -> str:
    """Return the runs whose journal is still there, a line each, with the command that goes on with them."""
    return f"Unfinished runs\n{_pairs([_unfinished(JournalFolder(path)) for path in journals])}"


def _unfinished(folder: JournalFolder) -> tuple[str, str]:
    try:
        journal = read_journal(folder)
    except CommbenchError as error:
        return folder.run_id, str(error)
    done = len(journal.plan.points) - len(journal.todo())
    words = journal.record(0).session.argv[1:] if journal.sessions else ("run", journal.plan.suite)
    how = f"go on with: {shlex.join(['commbench', *(word for word in words if word != '--resume'), '--resume'])}"
    return folder.run_id, f"{journal.plan.suite}, {done} of {len(journal.plan.points)} points; {how}"


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    width = max((len(name) for name, _ in pairs), default=0)
    return "".join(f"  {name.ljust(width)}  {text}".rstrip() + "\n" for name, text in pairs)
