"""The raw store: each version of each file as received, one Parquet file, never changed afterwards.

`<raw>/<source>/<entity>/<time>-<file>-<digest of its path>-<start of sha256>.parquet` (a source's name that is no safe
folder is made one: `folder_name`) with a row per record: `line`, `text` as it stands in the file, and the identifiers
of its person as given (`person_id`, `email`, `phone`), by which one person can be found and erased: of an erased
person's row the text names nobody, and `erased` holds the pseudonym. What the file was stands in the Parquet metadata
under `leadhouse`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.config_values import folder_name

_COLUMNS = [
    pa.field("line", pa.int64()),
    pa.field("text", pa.string()),
    pa.field("person_id", pa.string()),
    pa.field("email", pa.string()),
    pa.field("phone", pa.string()),
    pa.field("erased", pa.string()),
]
_KEY = b"leadhouse"


@dataclass(frozen=True)
class RawInfo:
    """What a stored version was: `header` is the header line as it stands in the file, of other formats than CSV a
    JSON array of the columns; `format` and what follows say how to read the texts again."""

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
    format: Literal["csv", "jsonl", "json", "parquet", "xlsx"] = "csv"
    quote: str = '"'
    escape: str = ""
    sheet: str | None = None
    excel_epoch: Literal[1900, 1904] | None = None

    def is_read_like(self, other: RawInfo) -> bool:
        """Whether two versions hold the same records: the same content in the same dialect, or the same sheet of it."""
        return replace(self, load_id=other.load_id, loaded_at=other.loaded_at) == other


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

    def everything(self) -> Iterator[tuple[RawInfo, Path]]:
        """Every stored version of every source, in the order of their paths."""
        for path in sorted(self._folder.glob("*/*/*.parquet")):
            yield read_info(path), path

    def _newest(self, info: RawInfo) -> Path | None:
        """The newest stored version of a file, from the names alone."""
        paths = sorted(self._place(info.source, info.entity).glob(f"*-{_slug(info.file)}-*.parquet"))
        return paths[-1] if paths else None

    def version_before(self, source: str, entity: str, file: str, sha256: str) -> RawInfo | None:
        """The newest stored version of a file that has another content."""
        paths = sorted(self._place(source, entity).glob(f"*-{_slug(file)}-*.parquet"), reverse=True)
        return next((read_info(path) for path in paths if path.stem.rsplit("-", 1)[1] != sha256[:16]), None)

    def writer(self, info: RawInfo) -> RawWriter | None:
        """A writer for a new version, or None where the newest stored one has the same content, read the same way."""
        newest = self._newest(info)
        if newest is not None and read_info(newest).is_read_like(info):
            return None
        at = datetime.fromisoformat(info.loaded_at).astimezone(UTC).strftime("%Y%m%dT%H%M%S%f")
        name = f"{at}-{_slug(info.file)}-{info.sha256[:16]}.parquet"
        return RawWriter(self._place(info.source, info.entity) / name, info)


def read_info(path: Path) -> RawInfo:
    """The metadata of a stored version."""
    metadata = pq.read_schema(path).metadata or {}
    return RawInfo(**json.loads(metadata[_KEY]))


def read_texts(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of each stored record, in the order of the file."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=["line", "text"], batch_size=20_000):
            yield from zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True)


def read_rows(path: Path) -> Iterator[tuple[Any, ...]]:
    """(line, text, person_id, email, phone, erased) of each stored record, in the order of the file."""
    with pq.ParquetFile(path) as file:
        present = set(file.schema_arrow.names)
        for batch in file.iter_batches(batch_size=20_000):
            columns = [
                batch.column(field.name).to_pylist() if field.name in present else [None] * batch.num_rows
                for field in _COLUMNS
            ]
            yield from zip(*columns, strict=True)


def read_erased(path: Path) -> dict[int, str]:
    """Line -> pseudonym of the stored records that are an erased person's."""
    with pq.ParquetFile(path) as file:
        if "erased" not in file.schema_arrow.names:  # written by version 0.1.0
            return {}
        rows = file.read(columns=["line", "erased"])
    return {
        line: erased
        for line, erased in zip(rows.column(0).to_pylist(), rows.column(1).to_pylist(), strict=True)
        if erased
    }


class RawWriter:
    """Writes one version under a temporary name; `publish` gives it its own, `discard` leaves nothing behind."""

    def __init__(self, path: Path, info: RawInfo) -> None:
        self._path = path
        self.temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self.temporary.parent.mkdir(parents=True, exist_ok=True)
        schema = pa.schema(_COLUMNS, metadata={_KEY: json.dumps(asdict(info), ensure_ascii=False).encode()})
        self._schema = schema
        self._writer: pq.ParquetWriter | None = pq.ParquetWriter(self.temporary, schema, compression="zstd")

    def write(
        self,
        lines: Sequence[int],
        texts: Sequence[str],
        persons: Mapping[str, Sequence[str | None]],
        erased: Sequence[str | None],
    ) -> None:
        """Add records; `persons` holds person_id, email and phone as given, one value a record, as does `erased`."""
        if self._writer is not None:
            columns = [lines, texts, *(persons[name] for name in ("person_id", "email", "phone")), erased]
            arrays = [pa.array(values, field.type) for values, field in zip(columns, _COLUMNS, strict=True)]
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def publish(self) -> None:
        """Make the version visible: an atomic rename."""
        self.close()
        os.replace(self.temporary, self._path)

    def discard(self) -> None:
        """Remove what was written."""
        self.close()
        with contextlib.suppress(FileNotFoundError):
            self.temporary.unlink()
