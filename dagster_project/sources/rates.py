"""Exchange rates of the seed `fx_rates`: which months of which currency are covered. dbt does the converting."""

from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dagster_project.errors import ConfigError

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)
_CODE = re.compile(r"[A-Z]{3}")
_RATE = re.compile(r"(?=.*[1-9])\d+(\.\d+)?", re.ASCII)


@dataclass(frozen=True)
class Rates:
    """Months (`YYYY-MM`) and currencies that have a rate; `home` is the brokerage's own currency."""

    home: str
    known: frozenset[tuple[str, str]]

    def missing(self, currency: str, day: int) -> str | None:
        """The month of `day` (days since 1970) where it has no rate, else None."""
        if currency == self.home:
            return None
        first = date.fromordinal(_EPOCH_DAY + day)
        month = f"{first.year:04d}-{first.month:02d}"
        return None if (month, currency) in self.known else month

    @property
    def digest(self) -> str:
        """Changes with the rates: spend is read again when it does."""
        return hashlib.sha256(repr((self.home, sorted(self.known))).encode()).hexdigest()


def read_rates(file: Path, home: str) -> Rates:
    """Read the seed (month, currency, rate: units of the brokerage's currency per unit). Raises ConfigError."""
    known: set[tuple[str, str]] = set()
    if file.is_file():
        with open(file, encoding="utf-8-sig", newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines), 2):
                month, currency = (row.get("month") or "").strip(), (row.get("currency") or "").strip().upper()
                rate = (row.get("rate") or "").strip()
                if not (_MONTH.fullmatch(month) and _CODE.fullmatch(currency) and _RATE.fullmatch(rate)):
                    raise ConfigError(
                        f'{file.name}: row {number}: found month "{month}", currency "{currency}", rate "{rate}", '
                        "expected a month such as 2026-11, a currency code such as EUR and a rate such as 1.08"
                    )
                known.add((month, currency))
    return Rates(home, frozenset(known))
