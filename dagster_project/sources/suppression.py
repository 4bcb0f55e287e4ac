"""The list of erased people in memory: keyed hashes, no names. It knows them when an export brings them back.

Every identifier of an erased person has one pseudonym, the same in every file and load: rows that were one person stay
one person, so figures that counted them stay what they were, and nobody can be read from them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from dagster_project.sources.identifiers import normalise_email, normalise_phone

ERASED_DOMAIN = "erased.invalid"
"""Pseudonyms of emails and phones are addresses here: valid in form, and never anybody's (RFC 2606)."""
MASK = "[erased]"
_MEMORY = 200_000
_PIECE = re.compile(r"[^\s<>,;:\"'()\[\]|]+")  # what an email in a text stands in, one pass whatever the text
_LONGEST_EMAIL = 320
_PHONE = re.compile(r"\+?\(?\d[\d\s().\-/\u00a0]{5,20}\d")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_TAIL = 7  # so many last digits are the same however a number is written


@dataclass(frozen=True)
class Erasure:
    """One erased person, as hashes: record ids, emails, phones, names. `token` names the erasure in reports.

    `common`: emails and phones on so many people's records that they link nobody and are nobody's. They stay: taken off
    one record, they could begin to link the others.
    """

    token: str
    at: str
    reason: str
    ids: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    tails: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    common: tuple[str, ...] = ()


class Identity(NamedTuple):
    """What a row carries of its person, as given; `id_space` says in which space the ids mean something."""

    id_space: str
    person_id: str | None
    email: str | None
    phone: str | None
    merged_into: str | None = None


class Pseudonym(NamedTuple):
    """What stands in a row instead of an erased person's identifiers.

    `own`: the row is theirs, nothing else of it that names anybody stays. Otherwise it is somebody else's, or may be,
    and carries their email or phone: only those are replaced.
    """

    own: bool
    person_id: str | None
    email: str | None
    phone: str | None
    merged_into: str | None = None


class Suppression:
    """The list in memory. False where nobody was erased.

    `met` collects the hashes of record ids that an erased person came back under: they belong on the list.
    """

    def __init__(self, key: bytes, erasures: Sequence[Erasure], country: str) -> None:
        self.erasures = tuple(erasures)
        self.met: dict[str, str] = {}
        self._key, self._country = key, country
        self._ids = self._owners("ids")
        self._identifiers = self._owners("emails") | self._owners("phones")
        self._common = {erasure.token: frozenset(erasure.common) for erasure in erasures}
        self._tails = frozenset(tail for erasure in erasures for tail in erasure.tails)
        named: dict[str, set[str]] = defaultdict(set)
        for erasure in erasures:
            for name in erasure.names:
                named[name].add(erasure.token)
        self._names = {name: frozenset(tokens) for name, tokens in named.items()}
        self._words: dict[str, frozenset[str]] = {}
        self._pieces: dict[tuple[str, str], tuple[str, ...]] = {}
        self._id_hashes: dict[tuple[str, str], str] = {}
        self._maybe: dict[str, bool] = {}

    def __bool__(self) -> bool:
        return bool(self.erasures)

    def _owners(self, kind: str) -> dict[str, str]:
        return {found: erasure.token for erasure in self.erasures for found in getattr(erasure, kind)}

    @cached_property
    def digest(self) -> str:
        """Changes with the list; empty for an empty one."""
        if not self.erasures:
            return ""
        content = json.dumps([asdict(erasure) for erasure in self.erasures], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    # -- hashes

    def hashed(self, kind: str, *parts: str) -> str:
        """The keyed hash of an identifier: 32 hex digits."""
        message = "\x1f".join((kind, *parts)).encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, "sha256").hex()[:32]

    def id_hash(self, id_space: str, person_id: str) -> str:
        """The hash of a record id."""
        found = self._id_hashes.get((id_space, person_id))
        if found is None:
            if len(self._id_hashes) > _MEMORY:
                self._id_hashes.clear()
            found = self._id_hashes[id_space, person_id] = self.hashed("id", id_space, person_id)
        return found

    def identifier_hashes(self, kind: str, cell: str | None) -> tuple[str, ...]:
        """The hashes of the valid emails or phones of a cell, in their order."""
        if not cell:
            return ()
        found = self._pieces.get((kind, cell))
        if found is None:
            if len(self._pieces) > _MEMORY:
                self._pieces.clear()
            found = self._pieces[kind, cell] = tuple(
                self.hashed(kind, value) for value in normalised(kind, cell, self._country)
            )
        return found

    def _may_be_listed(self, cell: str | None) -> bool:
        """Whether a phone cell may hold a listed number: seven of its digits tell, and spare nearly all the parsing.

        Any seven in a row, as an extension may follow the number.
        """
        if not cell or not self._tails:
            return False
        found = self._maybe.get(cell)
        if found is None:
            if len(self._maybe) > _MEMORY:
                self._maybe.clear()
            digits = re.sub(r"\D", "", cell)
            found = self._maybe[cell] = any(
                self.tail(digits[end - _TAIL : end]) in self._tails for end in range(_TAIL, len(digits) + 1)
            )
        return found

    def tail(self, phone: str) -> str:
        """A short hash of a number's last digits: one in 65,536, so that it tells nobody by itself."""
        return self.hashed("tail", re.sub(r"\D", "", phone)[-_TAIL:])[:4]

    # -- who is it

    def find(self, who: Identity, *, links: bool) -> Pseudonym | None:
        """What stands in the row of an erased person, or in one that carries their email or phone; None for others.

        `links`: rows of this entity say who somebody is (people, inquiries): there a listed email under a new id is
        the person come back. Rows of the others look their person up by the id first, and only then by email and phone
        (METRICS.md section 2), and whether an id is anybody's is not known here: they keep it.
        """
        ids = [self.id_hash(who.id_space, one) if one else "" for one in (who.person_id, who.merged_into)]
        emails = self.identifier_hashes("email", who.email)
        phones = self.identifier_hashes("phone", who.phone) if self._may_be_listed(who.phone) else ()
        by_id = next((self._ids[one] for one in ids if one in self._ids), None)
        by_identifier = next((self._identifiers[one] for one in (*emails, *phones) if one in self._identifiers), None)
        token = by_id or by_identifier
        if token is None:
            return None
        own = links or by_id is not None or not who.person_id
        email, phone = self._replaced(who, token, own=own)
        if not own:
            return Pseudonym(False, who.person_id, email, phone)
        for one in ids:
            if one and one not in self._ids:
                self.met[one] = self._ids[one] = token
        return Pseudonym(True, _pseudonym(ids[0]), email, phone, _pseudonym(ids[1]))

    def _replaced(self, who: Identity, token: str, *, own: bool) -> tuple[str | None, str | None]:
        """The cells of email and phone with pseudonyms, all of them addresses, in the order of what they stand for.

        In a row of their `own` nothing stays but what is common; invalid pieces name nobody and go too.
        """
        stays: dict[str, list[str]] = {"email": [], "phone": []}
        moved: list[str] = []
        for kind, cell in (("email", who.email), ("phone", who.phone)):
            for piece in filter(None, (piece.strip() for piece in (cell or "").split(";"))):
                hashes = self.identifier_hashes(kind, piece)
                keeps = any(one in self._common[token] for one in hashes) if own else not self._lists(hashes)
                addresses = [] if keeps else [self._address(one, token) for one in hashes]
                (moved if kind == "phone" and not keeps else stays[kind]).extend([piece] if keeps else addresses)
        return ";".join([*stays["email"], *moved]) or None, ";".join(stays["phone"]) or None

    def _lists(self, hashes: Iterable[str]) -> bool:
        return any(one in self._identifiers for one in hashes)

    def _address(self, found: str, token: str) -> str:
        """An identifier that is not on the list is somebody else's too: its pseudonym links the person's own rows."""
        own = found if found in self._identifiers else self.hashed("shared", token, found)
        return f"erased-{own[:16]}@{ERASED_DOMAIN}"

    def covering(self, erasure: Erasure) -> str | None:
        """The token of an erasure on the list that knows all the ids, emails and phones of another, or None."""
        wanted = {*erasure.ids, *erasure.emails, *erasure.phones}
        listed = ((other, {*other.ids, *other.emails, *other.phones}) for other in self.erasures)
        return next((other.token for other, known in listed if wanted <= known), None)

    @cached_property
    def pseudonyms(self) -> dict[str, Erasure]:
        """Pseudonym of an id or an address on the list -> whose it is."""
        found: dict[str, Erasure] = {}
        for erasure in self.erasures:
            found |= {str(_pseudonym(one)): erasure for one in erasure.ids}
            found |= {f"erased-{one[:16]}@{ERASED_DOMAIN}": erasure for one in (*erasure.emails, *erasure.phones)}
        return found

    # -- what is written about them

    def mask(self, text: str) -> str:
        """The text without the emails and phones of erased people."""
        if "@" in text:
            text = _PIECE.sub(lambda match: self._masked("email", match[0]) if _is_email(match[0]) else match[0], text)
        return _PHONE.sub(lambda match: self._masked("phone", match[0]), text)

    def _masked(self, kind: str, found: str) -> str:
        bare = found.rstrip(".,;")
        hashes = self.identifier_hashes(kind, bare) if kind == "email" or self._may_be_listed(bare) else ()
        return MASK + found[len(bare) :] if self._lists(hashes) else found

    def mask_names(self, text: str) -> str:
        """The text without the words of erased people's names. For their own rows only: a name is not theirs alone."""
        return _WORD.sub(lambda match: MASK if self._named_by(match[0]) else match[0], text)

    def mask_full_names(self, text: str) -> str:
        """The text without erased people's full names: two words in a row that are of one person's name."""
        words = list(_WORD.finditer(text))
        owners = [self._named_by(word[0]) for word in words]
        named = [bool(first & second) for first, second in pairwise(owners)]
        for place in range(len(words) - 1, -1, -1):
            if (place < len(named) and named[place]) or (place and named[place - 1]):
                text = text[: words[place].start()] + MASK + text[words[place].end() :]
        return text

    def _named_by(self, word: str) -> frozenset[str]:
        """The tokens of the erased people whose name has a word."""
        found = self._words.get(word)
        if found is None:
            if len(self._words) > _MEMORY:
                self._words.clear()
            found = self._words[word] = self._names.get(self.name_hash(word), frozenset())
        return found

    def name_hash(self, word: str) -> str:
        """The hash of a name, or of one word of it."""
        return self.hashed("name", " ".join(word.casefold().split()))

    def mentions(self, text: str) -> bool:
        """Whether a text that is no row names an erased person: by email, phone, or two words of a name in a row."""
        if self.mask(text) != text:
            return True
        return self.mask_full_names(text) != text


def _is_email(piece: str) -> bool:
    """Whether a piece has the form of an email: something, an @, and a point that something stands around."""
    domain = piece[1:].partition("@")[2]
    return len(piece) <= _LONGEST_EMAIL and "." in domain[1:-1]


def _pseudonym(id_hash: str) -> str | None:
    return f"erased-{id_hash[:16]}" if id_hash else None


def normalised(kind: str, cell: str, country: str) -> list[str]:
    """The valid emails or phones (`kind`) of a cell, several separated by `;`, normalised; junk left out."""
    pieces = [piece for piece in cell.split(";") if piece.strip()]
    verdicts = [normalise_email(piece) if kind == "email" else normalise_phone(piece, country) for piece in pieces]
    return [verdict.normalised for verdict in verdicts if verdict.normalised and not verdict.is_junk]


def words_of(name: str) -> set[str]:
    """The words of a name by which it can be told: those of three letters or more."""
    return {word for word in _WORD.findall(name) if len(word) > 2}
