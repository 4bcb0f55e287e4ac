"""Words of closed lists, and truth values."""

from __future__ import annotations

from dagster_project.config_values import FALSE_WORDS, TRUE_WORDS, nearest
from dagster_project.instants import Unreadable


class UnknownWord(Unreadable):
    """A word outside a closed list."""


def parse_truth(text: str) -> bool:
    """true/false, 1/0, yes/no in any case. Raises UnknownWord."""
    word = text.strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise UnknownWord("true or false, 1 or 0, yes or no")


def parse_choice(text: str, choices: tuple[str, ...]) -> str:
    """A word of a closed list, in any case. Raises UnknownWord, which names the nearest."""
    word = text.strip().casefold()
    if word in choices:
        return word
    close = nearest(word, choices)
    raise UnknownWord("one of " + ", ".join(choices) + (f" (nearest: {close})" if close else ""))
