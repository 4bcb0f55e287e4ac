"""Text for a terminal: names that came from files can neither move the cursor nor change a colour."""

from __future__ import annotations


def printable(text: object) -> str:
    """Text on one line of a terminal: what does not print, line breaks and marks of direction too, is written out."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in str(text))
