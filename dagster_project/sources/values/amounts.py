"""Amounts, numbers and counts, as people and systems write them."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal

from dagster_project.instants import Unreadable

_STEP = Decimal("0.000001")
_LIMIT = Decimal(10) ** 12  # what DECIMAL(18,6) holds
_COUNT_LIMIT = 2**63

_CODES = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
    CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG
    HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA
    MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD
    RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD
    UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
"""Codes of ISO 4217: `5 MIO` is no amount."""

_THOUSANDTHS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))
"""Currencies with three decimals."""

_SIGN = r"(?:US|CA?|AU?|NZ|HK|SG?|R|MX|NT)?\$|[€£¥₽₴₹₺₩₪₫₱₦₵₡₲₭₮₸₼₾฿]|kr\.?|zł|Kč|Ft|Rs\.?"
_SCALES = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "MM": 10**6, "mn": 10**6, "B": 10**9, "bn": 10**9}
_MONEY = re.compile(
    rf"([-+(]?)([A-Z]{{3}})?({_SIGN})?([-+(]?)([\d.,_]+)(k|K|MM?|mn|B|bn)?([-)]?)({_SIGN})?([A-Z]{{3}})?([-)]?)",
    re.ASCII,
)
_PLAIN = re.compile(r"([-+]?)([\d.,_]+)", re.ASCII)
_GROUPING = re.compile(r"(?<=\d)[\s'’]+(?=\d)")
_SPACES = re.compile(r"\s+")
_NUMBER = {
    ".": re.compile(r"(?:\d+|\d{1,3}(?:[,_]\d{3})+)?(?:\.\d*)?", re.ASCII),
    ",": re.compile(r"(?:\d+|\d{1,3}(?:[._]\d{3})+)?(?:,\d*)?", re.ASCII),
}
_THOUSANDS_PERHAPS = {mark: re.compile(rf"[1-9]\d{{0,2}}[{mark}]\d{{3}}", re.ASCII) for mark in ".,"}
_OTHER = {".": ",", ",": "."}


def parse_decimal(text: str, mark: str = ".") -> Decimal:
    """An amount of money with the decimal mark `mark`, to six decimals.

    Currency signs and codes, spaces and thousands separators are taken off; `(12.00)` and `12-` are negative; `1.2M` is
    1,200,000. Thousands must come in threes, so that `1,50` is not read as 150, and `R$ 100.000` is not read as 100.
    Raises Unreadable.
    """
    match = _MONEY.fullmatch(_bare(text))
    if match is None:
        raise Unreadable(_expected(text, mark))
    lead, code, sign, inner, digits, scale, trail, last_sign, last_code, end = (part or "" for part in match.groups())
    signs = lead + inner + trail + end
    codes = {code, last_code} - {""}
    no_cents = digits[-1] in ".," and trail + end == "-"  # `5,-` is how some write five, others minus five
    if signs not in ("", "-", "+", "()") or len(codes) > 1 or not all(code in _CODES for code in codes) or no_cents:
        raise Unreadable(_expected(text, mark))
    told = (codes or sign or last_sign) and not scale and not codes & _THOUSANDTHS
    if told and _THOUSANDS_PERHAPS[mark].fullmatch(digits):
        raise Unreadable(f"an amount of which {mark} is the decimal mark; {decimal_key(mark)} if it marks thousands")
    value = _value(digits, mark, _SCALES[scale])
    return -value if signs in ("-", "()") else value


def parse_plain(text: str, mark: str = ".") -> Decimal:
    """A number from 0 without a unit, to six decimals. Raises Unreadable."""
    match = _PLAIN.fullmatch(_bare(text))
    value = _value(match[2], mark) if match else None
    if match is None or value is None or (match[1] == "-" and value):
        raise Unreadable("a number from 0")
    return value


def parse_count(text: str, mark: str = ".") -> int:
    """A whole number from 0. Raises Unreadable."""
    value = parse_plain(text, mark)
    if value != value.to_integral_value() or value >= _COUNT_LIMIT:
        raise Unreadable("a whole number from 0")
    return int(value)


def is_thousands_perhaps(text: str, mark: str) -> bool | None:
    """Whether an amount without a currency has three digits after its only mark, as `100.000`: it may mean thousands.

    False where it tells what the mark is, by other decimals or another separator; None where it says nothing.
    """
    bare = _bare(text).strip("-+()")
    if _THOUSANDS_PERHAPS[mark].fullmatch(bare):
        return True
    digits = re.sub(r"[^\d.,_]", "", bare, flags=re.ASCII)
    return None if digits.isdigit() or _THOUSANDS_PERHAPS[mark].fullmatch(digits) else False


def _bare(text: str) -> str:
    """Without spaces; what stands between digits, as thousands do, is `_`."""
    return "" if "_" in text else _SPACES.sub("", _GROUPING.sub("_", text)).replace("\u2212", "-")


def _value(digits: str, mark: str, scale: int = 1) -> Decimal:
    if digits.strip(".,_") == "" or not _NUMBER[mark].fullmatch(digits):
        raise Unreadable(f"a number with the decimal mark {mark}")
    value = Decimal(digits.replace("_", "").replace(_OTHER[mark], "").replace(",", ".")) * scale
    if value < _LIMIT:
        value = value.quantize(_STEP, rounding=ROUND_HALF_EVEN)
    if value >= _LIMIT:
        raise Unreadable("a number below 1,000,000,000,000")
    return value


def _expected(text: str, mark: str) -> str:
    if "%" in text:
        return "an amount, not a percentage"
    return f"an amount with the decimal mark {mark}, such as $1{_OTHER[mark]}234{mark}50, or with K, M or B after it"


def decimal_key(mark: str) -> str:
    """What makes the other mark the decimal one."""
    return f'decimal = "{_OTHER[mark]}"'
