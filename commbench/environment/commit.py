"""Which commbench this is: its version and, in a checkout, its git commit."""

import subprocess
from functools import cache

from commbench.assets import checkout

_GIT_TIMEOUT_S = 10


@cache
def commit() -> str:
    """Return the commit of the checkout this code runs from, `+dirty` when changed, or empty when installed.

    Asked once: the code that runs is what was loaded.
    """
    root = checkout()
    if root is None:
        return ""
    try:
        head = _git(str(root), "rev-parse", "HEAD")
        changed = _git(str(root), "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return ""
    return f"{head}+dirty" if changed else head


def _git(root: str, *arguments: str) -> str:
    command = ["git", "-C", root, *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_TIMEOUT_S, check=True)  # noqa: S603
    return answer.stdout.strip()
