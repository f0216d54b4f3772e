"""Everything commbench raises on purpose, and the exit code of each.

    CommbenchError
    ├── UsageError        2  a bad option, suite, size or name
    │   └── SuiteError    2  one suite file, all of its mistakes at once
    ├── UnfitError        3  this machine or store cannot do what was asked
    │   └── StoreError    3  the store cannot be read or written
    │       └── StoreUnavailableError    3  not now: full, read-only or away; what was measured goes to the spool
    ├── GateError         1  a gate said no: what was measured contradicts what it claims to be
    └── RankError         4  a rank died, hung or lost its peers

A message says what, where and what to do next: it is shown to the user as it is.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process tells its caller."""

    OK = 0
    GATE = 1  # a gate said no: a wrong result, a regression, a contradiction
    USAGE = 2
    UNFIT = 3
    RANK = 4
    INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class CommbenchError(Exception):
    """Base of all errors whose message is the help."""

    exit_code: ExitCode = ExitCode.USAGE


class UsageError(CommbenchError):
    """Something typed or written by the user cannot be right."""


class SuiteError(UsageError):
    """A suite file has mistakes; the message lists all of them, one a line."""


class GateError(CommbenchError):
    """A gate said no: what was measured contradicts what it claims to be."""

    exit_code = ExitCode.GATE


class UnfitError(CommbenchError):
    """The machine cannot do what was asked, whatever the spelling."""

    exit_code = ExitCode.UNFIT


class StoreError(UnfitError):
    """The result store cannot be read or written."""


class StoreUnavailableError(StoreError):
    """The store cannot be reached or written now; nothing is wrong with what was to be stored."""


class RankError(CommbenchError):
    """A rank died, hung or never came."""

    exit_code = ExitCode.RANK
