"""The sentences that several checks share: no such thing, did you mean, and what there is."""

from collections.abc import Iterable
from difflib import get_close_matches


def closest(word: object, choices: Iterable[str]) -> str:
    """Return the choice that the word is most likely a misspelling of, or an empty string."""
    matches = get_close_matches(word.lower(), list(choices), n=1) if isinstance(word, str) else []
    return matches[0] if matches else ""


def shown(value: object) -> str:
    """Return a value as TOML writes it, or nearly so."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "a table" if isinstance(value, dict) else repr(value)


def no_such(thing: str, word: object, choices: Iterable[str]) -> str:
    """Return `no such value 'all_gahter'; did you mean 'all_gather'? (one of all_reduce, ...)`."""
    choices = tuple(choices)
    guess = closest(word, choices)
    question = f"; did you mean {guess!r}?" if guess else ""
    return f"no such {thing} {shown(word)}{question} (one of {', '.join(choices)})"
