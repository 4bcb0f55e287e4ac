"""The raw store: each version of each file as received, one Parquet file, never changed afterwards.

`<raw>/<source>/<entity>/<time>-<file>-<digest of its path>-<start of sha256>.parquet` (a source's name that is no safe
folder is made one: `folder_name`) with a row per record: `line`,
`text` as it stands in the file, and the identifiers of its person as given (`person_id`, `email`, `phone`), by which
one person can be found and erased. What the file was stands in the Parquet metadata under `leadhouse`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.config_values import folder_name
from dagster_project.disk import writing
from dagster_project.errors import CriticalProblem

_COLUMNS = [
    pa.field("line", pa.int64()),
    pa.field("text", pa.string()),
    pa.field("person_id", pa.string()),
    pa.field("email", pa.string()),
    pa.field("phone", pa.string()),
]
_KEY = b"leadhouse"


@dataclass(frozen=True)
class RawInfo:
    """What a stored version was: `header` is the header line as it stands in the file."""

    source: str
    entity: str
    file: str
    sha256: str
    load_id: str
    loaded_at: str
    encoding: str
    bytes: int
    header: str
    delimiter: str


def _slug(file: str) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", file)[-60:].lstrip(".")
    return f"{name}-{hashlib.sha256(file.encode()).hexdigest()[:8]}"


class RawStore:
    """The stored versions of one brokerage's files, below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _place(self, source: str, entity: str) -> Path:
        return self._folder / folder_name(source) / entity

    def versions(self, source: str, entity: str) -> list[tuple[RawInfo, Path]]:
        """All stored versions of an entity's files, the oldest first. Reads their metadata only."""
        found = [(read_info(path), path) for path in sorted(self._place(source, entity).glob("*.parquet"))]
        return sorted(found, key=lambda version: (version[0].loaded_at, version[1].name))

    def newest_digest(self, source: str, entity: str, file: str) -> str | None:
        """Start of the sha256 of the newest stored version of a file, from the names alone."""
        paths = sorted(self._place(source, entity).glob(f"*-{_slug(file)}-*.parquet"))
        return paths[-1].stem.rsplit("-", 1)[1] if paths else None

    def writer(self, info: RawInfo) -> RawWriter | None:
        """A writer for a new version, or None where the newest stored one has the same content."""
        if self.newest_digest(info.source, info.entity, info.file) == info.sha256[:16]:
            return None
        at = datetime.fromisoformat(info.loaded_at).astimezone(UTC).strftime("%Y%m%dT%H%M%S%f")
        name = f"{at}-{_slug(info.file)}-{info.sha256[:16]}.parquet"
        return RawWriter(self._place(info.source, info.entity) / name, info)


def newest_moment(folder: Path) -> datetime | None:
    """When the newest stored version of any file was loaded, from the names alone; None where there is none."""
    names = (path.name.partition("-")[0] for path in folder.glob("*/*/*.parquet"))
    newest = max((name for name in names if re.fullmatch(r"\d{8}T\d{12}", name)), default=None)
    return datetime.strptime(newest, "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC) if newest else None


def read_info(path: Path) -> RawInfo:
    """The metadata of a stored version."""
    metadata = pq.read_schema(path).metadata or {}
    return RawInfo(**json.loads(metadata[_KEY]))


def read_texts(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of each stored record, in the order of the file."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=["line", "text"], batch_size=20_000):
            yield from zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True)


class RawWriter:
    """Writes one version under a temporary name; `publish` gives it its own, `discard` leaves nothing behind.

    Raises CriticalProblem where the folder cannot be written or the disk is full: that is no fault of the export.
    """

    def __init__(self, path: Path, info: RawInfo) -> None:
        self._path = path
        self.temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        schema = pa.schema(_COLUMNS, metadata={_KEY: json.dumps(asdict(info), ensure_ascii=False).encode()})
        self._schema = schema
        self._writer: pq.ParquetWriter | None = None
        with writing(path.parent):
            self.temporary.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(self.temporary, schema, compression="zstd")

    def write(self, lines: Sequence[int], texts: Sequence[str], persons: Mapping[str, Sequence[str | None]]) -> None:
        """Add records; `persons` holds person_id, email and phone as given, one value a record."""
        if self._writer is not None:
            columns = [lines, texts, *(persons[name] for name in ("person_id", "email", "phone"))]
            arrays = [pa.array(values, field.type) for values, field in zip(columns, _COLUMNS, strict=True)]
            with writing(self._path.parent):
                self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with writing(self._path.parent):
                writer.close()

    def publish(self) -> None:
        """Make the version visible: an atomic rename."""
        self.close()
        with writing(self._path.parent):
            os.replace(self.temporary, self._path)

    def discard(self) -> None:
        """Remove what was written. What cannot be removed now, the next build sweeps."""
        with contextlib.suppress(CriticalProblem):  # a full disk cannot take the last bytes either
            self.close()
        with contextlib.suppress(OSError):
            self.temporary.unlink()
