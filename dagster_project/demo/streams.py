"""Chance, by name: each part draws from a stream of its own, so that a change of one does not reshuffle the others."""

from __future__ import annotations

import zlib

import numpy as np


class Streams:
    """Generators of one seed. The same seed and name always give the same numbers."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def of(self, name: str) -> np.random.Generator:
        """A new generator at the start of the stream of that name."""
        return np.random.default_rng([self._seed, zlib.crc32(name.encode())])

    def uniform(self, name: str, rows: int, columns: int) -> list[list[float]]:
        """`rows` lists of `columns` numbers from [0, 1)."""
        numbers: list[list[float]] = self.of(name).random((rows, columns)).tolist()
        return numbers

    def normal(self, name: str, rows: int, columns: int) -> list[list[float]]:
        """`rows` lists of `columns` standard normal numbers."""
        numbers: list[list[float]] = self.of(name).standard_normal((rows, columns)).tolist()
        return numbers
