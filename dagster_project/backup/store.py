"""Where backups lie: a folder or any URL that fsspec opens. Objects are named by what they hold."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import fsspec
from fsspec.implementations.local import LocalFileSystem
from fsspec.registry import known_implementations

from dagster_project.errors import ConfigError, CriticalProblem, LeadhouseError, SourceUnreachable
from dagster_project.warehouse.durable import flush

CHUNK = 1 << 20

_STAMP = "%Y%m%dT%H%M%SZ"
_FORGOTTEN = timedelta(days=1)


class BackupDamaged(CriticalProblem):
    """A backup does not hold what it says it holds."""


def digest_of(path: Path) -> tuple[str, int]:
    """SHA-256 and size of a file. Raises OSError."""
    found, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
            size += len(chunk)
    return found.hexdigest(), size


class Store:
    """The backups of one brokerage below a URL. Every method raises SourceUnreachable where the store does not answer.

    `option` is the name of the option that gave the URL, for messages.
    """

    def __init__(self, url: str, option: str) -> None:
        expected = "expected a folder or a URL such as s3://bucket/folder"
        try:
            parts = urlsplit(url)
        except ValueError:
            raise ConfigError(f"{option}: found a URL that cannot be read, {expected}") from None
        both = parts.netloc.rpartition("@")[0] if parts.password else None  # the name is half of a key pair
        secrets = (both, parts.password, parts.query) if parts.scheme else ()
        self._secrets = [text for secret in secrets if secret for text in (secret, unquote(secret))]
        self.shown = self._scrubbed(url)
        self.folder: Path | None = None
        try:
            if not url or "::" in url:
                raise ValueError(url)
            self._fs, root = fsspec.url_to_fs(url)
        except ImportError as error:
            package = _package(parts.scheme, error)
            raise ConfigError(
                f'{option}: "{parts.scheme}" needs the package {package}, which is not installed: pip install {package}'
            ) from None
        except ValueError:
            raise ConfigError(f'{option}: found "{self.shown}", {expected}') from None
        except Exception as error:  # each driver has errors of its own
            raise self._unreachable(error) from None
        self._root = root.rstrip("/")
        self.folder = Path(self._root) if isinstance(self._fs, LocalFileSystem) else None
        if self.folder is not None and self.folder.exists() and not self.folder.is_dir():
            raise ConfigError(f"{option}: found a file at {self.shown}, expected a folder")

    # -- objects

    def objects(self) -> dict[str, int]:
        """Size of every object, by its SHA-256. What a killed backup left unfinished is not among them."""
        found = self._find("objects")
        return {name: size for name, size in found.items() if re.fullmatch(r"[0-9a-f]{64}", name)}

    def put_file(self, source: Path, sha256: str, size: int) -> None:
        """Store a file's content as an object, and see that it arrived. Raises CriticalProblem where it changes."""
        place = self._place("objects", sha256[:2], sha256)
        sent = hashlib.sha256()
        try:
            with source.open("rb") as file, self._reached(), self._writing(place) as target:
                while chunk := file.read(CHUNK):
                    sent.update(chunk)
                    target.write(chunk)
            if sent.hexdigest() != sha256:
                raise CriticalProblem(
                    f"{source}: it changed while it was copied, expected it to stand still; run again"
                )
        except BaseException:
            self._remove(place)
            raise
        self._check(sha256, size)

    def _check(self, sha256: str, size: int) -> None:
        place = self._place("objects", sha256[:2], sha256)
        with self._reached():
            found = self._fs.info(place)["size"]
        if found != size:
            raise SourceUnreachable(f"{self.shown}: found {found:,} bytes of an object, expected {size:,}; run again")
        if self.folder is not None:
            self.check_object(sha256, size)

    def read_object(self, sha256: str, size: int) -> Iterator[bytes]:
        """The content of an object, chunk by chunk. Raises BackupDamaged at the end where it is not what it should be.

        Whoever writes the chunks somewhere must not use them before the end is reached.
        """
        place, found, read = self._place("objects", sha256[:2], sha256), hashlib.sha256(), 0
        name = f"objects/{sha256[:2]}/{sha256}"
        try:
            with self._reached(), self._fs.open(place, "rb") as file:
                while chunk := file.read(CHUNK):
                    found.update(chunk)
                    read += len(chunk)
                    if read > size:
                        raise BackupDamaged(f"{name}: found more than {size:,} bytes, expected exactly that many")
                    yield chunk
        except FileNotFoundError:
            raise BackupDamaged(f"{name}: found no such object in {self.shown}, expected {size:,} bytes") from None
        if read != size or found.hexdigest() != sha256:
            raise BackupDamaged(f"{name}: found other content than its name says ({read:,} of {size:,} bytes)")

    def check_object(self, sha256: str, size: int) -> None:
        """Read an object back. Raises BackupDamaged."""
        for _ in self.read_object(sha256, size):
            pass

    def remove_object(self, sha256: str) -> None:
        """Remove an object, where it is there."""
        self._remove(self._place("objects", sha256[:2], sha256))

    def remove_leftovers(self) -> None:
        """Remove what killed backups left unfinished."""
        for part in ("objects", "snapshots"):
            for name, place in self._paths(part).items():
                if name.endswith(".tmp"):
                    self._remove(place)

    # -- snapshots

    def snapshots(self) -> list[str]:
        """The names of all snapshots, the oldest first."""
        names = (re.fullmatch(r"(\d{8}T\d{6}Z-[\w-]+)\.json", name) for name in self._find("snapshots"))
        return sorted(name[1] for name in names if name)

    def read_snapshot(self, name: str) -> bytes:
        """A snapshot's manifest. Raises BackupDamaged where there is none."""
        try:
            with self._reached():
                return bytes(self._fs.cat_file(self._place("snapshots", f"{name}.json")))
        except FileNotFoundError:
            raise BackupDamaged(f"snapshots/{name}.json: found no such snapshot in {self.shown}") from None

    def write_snapshot(self, name: str, data: bytes) -> None:
        """Write a manifest, whole or not at all."""
        self._write(self._place("snapshots", f"{name}.json"), data)

    def remove_snapshot(self, name: str) -> None:
        """Remove a manifest, where it is there. Its objects stay."""
        self._remove(self._place("snapshots", f"{name}.json"))

    # -- who is at work

    def start(self) -> None:
        """Say that a backup is under way. The build lock allows one at a time: an older mark is of one that ended."""
        self.finish()
        self._write(self._place("writing", datetime.now(UTC).strftime(_STAMP)), b"")

    def finish(self) -> None:
        """Say that none is any more."""
        for place in self._paths("writing").values():
            self._remove(place)

    def under_way(self) -> datetime | None:
        """Since when a backup is under way, if it is; a mark older than a day is one that was forgotten."""
        now = datetime.now(UTC)
        stamps = [_stamp(name) for name in self._paths("writing")]
        return max((stamp for stamp in stamps if stamp and now - stamp < _FORGOTTEN), default=None)

    # -- the file system

    def _place(self, *parts: str) -> str:
        return "/".join((self._root, *parts))

    def _listed(self, part: str) -> dict[str, dict[str, object]]:
        try:
            with self._reached():
                self._fs.invalidate_cache()
                return dict(self._fs.find(self._place(part), detail=True))
        except FileNotFoundError:
            return {}

    def _find(self, part: str) -> dict[str, int]:
        return {PurePosixPath(place).name: int(str(info["size"])) for place, info in self._listed(part).items()}

    def _paths(self, part: str) -> dict[str, str]:
        return {PurePosixPath(place).name: place for place in self._listed(part)}

    def _write(self, place: str, data: bytes) -> None:
        with self._reached(), self._writing(place) as target:
            target.write(data)

    @contextmanager
    def _writing(self, place: str) -> Iterator[fsspec.core.OpenFile]:
        """A file to write. In a folder it gets its name once it is on disk; an object store shows all of it or none."""
        if self.folder is not None:
            final = Path(place)
            final.parent.mkdir(parents=True, exist_ok=True)
            fresh = final.with_name(f".{final.name}.{os.getpid()}.tmp")
            try:
                with fresh.open("wb") as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(fresh, final)
                flush(final.parent)
            finally:
                fresh.unlink(missing_ok=True)
            return
        try:
            file = self._fs.open(place, "wb")
        except FileNotFoundError:  # a file system with real folders
            self._fs.makedirs(place.rpartition("/")[0], exist_ok=True)
            file = self._fs.open(place, "wb")
        with file:
            yield file

    def _remove(self, place: str) -> None:
        try:
            with self._reached():
                self._fs.rm_file(place)
        except FileNotFoundError:
            return

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except (LeadhouseError, FileNotFoundError):
            raise
        except Exception as error:  # each driver has errors of its own
            raise self._unreachable(error) from None

    def _unreachable(self, error: Exception) -> LeadhouseError:
        told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        told = "".join(character for character in " ".join(told.split()) if character.isprintable())
        line = f"{self.shown}: {type(error).__name__}: {self._scrubbed(told)[:300]}"
        of_this_machine = self.folder is not None and isinstance(error, OSError)
        return CriticalProblem(line) if of_this_machine else SourceUnreachable(line)

    def _scrubbed(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def _package(scheme: str, error: ImportError) -> str:
    module = str(known_implementations.get(scheme, {}).get("class", "")).partition(".")[0]
    if module and module != "fsspec":
        return module
    cause = error if error.name else error.__cause__
    return str(getattr(cause, "name", None) or scheme)


def _stamp(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
