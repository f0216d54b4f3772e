"""Lines of a log without what launchers put in front of them."""

import re

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

# Tried again and again until none matches: launchers are nested, such as srun inside a container's log.
_PREFIXES = (
    re.compile(r"\s*\[[\w.-]+,\d+\]\s?<std(?:out|err)>:\s?"),  # Open MPI --tag-output, also of `rank-in-job` form
    re.compile(r"\s*\([^()]*\bpid=\d+[^()]*\)\s?"),  # Ray: (RayWorkerWrapper pid=660, ip=10.0.0.1)
    re.compile(r"\s*\[(?:rank|default)?\d+\][:,]?\s(?=\s*[#\d])"),  # MPICH -l, torchrun --tee
    re.compile(r"\s*\d+:\s"),  # srun -l
    re.compile(r"\s*\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\s(?=\s*[#(\[\d])"),  # containers
    re.compile(r"\s*(?:\[pod/[^\]]*\]|[\w.-]+\s*\|)\s"),  # kubectl logs --prefix, docker compose
)


_LONGEST_LINE = 10_000  # characters; the device list of a node with 16 adapters has some 500


def clean_lines(text: str) -> list[str]:
    """Return the lines of a log without launchers' prefixes, colours and trailing blanks; endless lines are cut."""
    return [_clean(line[:_LONGEST_LINE]) for line in text.splitlines()]


def _clean(line: str) -> str:
    line = _COLOUR.sub("", line).replace("\0", "")
    found = True
    while found:
        found = False
        for prefix in _PREFIXES:
            match = prefix.match(line)
            if match:
                line, found = line[match.end() :], True
    return line.rstrip()
