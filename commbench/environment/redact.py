"""Take secrets out of what is recorded: words of a command line, texts of settings."""

import re
from collections.abc import Sequence

MASK = "***"

# Names of options, variables and query parameters whose value nobody may read.
SECRET_NAME = re.compile(
    r"token|secret|passw|passphrase|credential|(?:api|access|private|account|auth|session)[-_]?key|authorization"
    r"|signature|bearer",
    re.IGNORECASE,
)
# user:password@ or token@ of a URL (RFC 3986, 3.2.1); the name of a user goes too, as it may be a key's id.
_USER_INFO = re.compile(r"(?<=://)[^/?#\s\"'<>]*@")
_QUERY = re.compile(r"([?&;])([^=&;#\s]+)=([^&;#\s\"'<>]+)")
_ASSIGNMENT = re.compile(r"(-{0,2})([A-Za-z][\w.-]*)([=:])(.+)", re.DOTALL)
_SIGNED = {"sig"}  # of a shared access signature (Azure), too short to search for in names


def redact_text(text: str) -> str:
    """Return the text with the user part of its URLs and the secret parameters of their queries masked."""
    return _QUERY.sub(_masked_parameter, _USER_INFO.sub(f"{MASK}@", text))


def redact_words(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words of a command line with every secret masked: `--token x`, `--token=x`, `TOKEN=x`, URLs.

    What is masked is found by its name: a secret that is given without one cannot be told from any other word.
    """
    shown: list[str] = []
    is_value = False
    for word in words:
        if is_value and not word.startswith("-"):
            shown.append(MASK)
        else:
            shown.append(_redact_word(word))
        is_value = word.startswith("-") and "=" not in word and SECRET_NAME.search(word) is not None
    return tuple(shown)


def _redact_word(word: str) -> str:
    match = _ASSIGNMENT.fullmatch(word)
    if match is None or match[4].startswith("//"):
        return redact_text(word)
    # What is no secret may hold one: --env=TOKEN=x
    value = MASK if SECRET_NAME.search(match[2]) else _redact_word(match[4])
    return f"{match[1]}{match[2]}{match[3]}{value}"


def _masked_parameter(match: "re.Match[str]") -> str:
    separator, name, value = match.groups()
    is_secret = SECRET_NAME.search(name) is not None or name.lower() in _SIGNED
    return f"{separator}{name}={MASK if is_secret else value}"
