"""Mutated files of every format, loaded as builds load them: every row is accounted for, or the file is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz import house

CASES = 960
PART = 320


@pytest.mark.parametrize("first", range(0, len(house.wanted(CASES)), PART))
def test_files(tmp_path: Path, first: int) -> None:
    numbers = house.wanted(CASES)
    house.run(numbers[first : first + PART], tmp_path)
    print(f"\n{house.FIGURES}")
