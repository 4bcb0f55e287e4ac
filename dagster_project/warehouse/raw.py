"""The raw store: each version of each file as received, one Parquet file, never changed afterwards.

`<raw>/<source>/<entity>/<time>-<file>-<digest of its path>-<start of sha256>.parquet` (a source's name that is no safe
folder is made one: `folder_name`) with a row per record: `line`, `text` as it stands in the file, and the identifiers
of its person as given (`person_id`, `email`, `phone`), by which one person can be found and erased: of an erased
person's row the text names nobody, and `erased` holds the pseudonym. What the file was stands in the Parquet metadata
under `leadhouse`, and under `leadhouse.seal` a SHA-256 of that and one of the records (line, text): whoever reads a
version knows that it is whole. Each page has a checksum too. Versions written by 0.1.0 have neither and are read as
they are.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.config_values import folder_name
from dagster_project.disk import writing
from dagster_project.errors import CriticalProblem
from dagster_project.warehouse.durable import flush

STORE_FORMAT = 2
"""1: as 0.1.0 wrote, without a seal. Raise it when older code could no longer read a version rightly."""

_COLUMNS = [
    pa.field("line", pa.int64()),
    pa.field("text", pa.string()),
    pa.field("person_id", pa.string()),
    pa.field("email", pa.string()),
    pa.field("phone", pa.string()),
    pa.field("erased", pa.string()),
]
_RECORD = ("line", "text")
_KEY, _SEAL = b"leadhouse", b"leadhouse.seal"
_BATCH = 20_000


class RawDamaged(CriticalProblem):
    """A stored version does not hold what was written. `path` is its file, `content` names file and content it held."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"{shown_path(path)}: this stored copy is damaged ({what}), expected it as it was written;"
            " restore it from a backup"
        )
        self.path = path
        self.content = path.stem.partition("-")[2]


class RawTooNew(CriticalProblem):
    """A stored version was written by a newer version of this program, in a way this one does not know."""


def shown_path(path: Path) -> str:
    """A stored version as it is told: `raw/<source>/<entity>/<name>`."""
    return Path(*path.parts[-4:]).as_posix()


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


def content_name(file: str, sha256: str) -> str:
    """What the name of a stored version says of its content: file and start of the sha256."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", file)[-60:].lstrip(".")
    return f"{name}-{hashlib.sha256(file.encode()).hexdigest()[:8]}-{sha256[:16]}"


class RawStore:
    """The stored versions of one brokerage's files, below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _place(self, source: str, entity: str) -> Path:
        return self._folder / folder_name(source) / entity

    def versions(self, source: str, entity: str, damaged: list[RawDamaged] | None = None) -> list[tuple[RawInfo, Path]]:
        """All stored versions of an entity's files, the oldest first. Reads their metadata only.

        Raises RawTooNew, and RawDamaged for one that does not open; with `damaged` given those are left out and put
        there.
        """
        found = []
        for path in sorted(self._place(source, entity).glob("*.parquet")):
            try:
                found.append((read_info(path), path))
            except RawDamaged as damage:
                if damaged is None:
                    raise
                damaged.append(damage)
        return sorted(found, key=lambda version: (version[0].loaded_at, version[1].name))

    def everything(self) -> Iterator[tuple[RawInfo, Path]]:
        """Every stored version of every source, in the order of their paths. Raises RawDamaged, RawTooNew."""
        for path in sorted(self._folder.glob("*/*/*.parquet")):
            yield read_info(path), path

    def _of_file(self, source: str, entity: str, file: str) -> list[Path]:
        """The stored versions of a file, the newest first, from the names alone."""
        return sorted(self._place(source, entity).glob(f"*-{content_name(file, '')}*.parquet"), reverse=True)

    def version_before(self, source: str, entity: str, file: str, sha256: str) -> RawInfo | None:
        """The newest stored version of a file that has another content; None too where that one is damaged."""
        for path in self._of_file(source, entity, file):
            if not path.stem.endswith(content_name(file, sha256)):
                try:
                    return read_info(path)
                except RawDamaged:
                    return None
        return None

    def find(self, source: str, entity: str, file: str, sha256: str) -> RawInfo | None:
        """The metadata of the stored version of a file with that content, or None. Reads the fitting names only."""
        paths = sorted(self._place(source, entity).glob(f"*-{content_name(file, sha256)}.parquet"))
        return read_info(paths[-1]) if paths else None

    def writer(self, info: RawInfo) -> RawWriter | None:
        """A writer for a new version, or None where the newest stored one has the same content, read the same way.

        A stored one that is damaged is written anew in its place.
        """
        content = content_name(info.file, info.sha256)
        newest = next(iter(self._of_file(info.source, info.entity, info.file)), None)
        if newest is not None and newest.stem.endswith(content):
            try:
                verify(newest)
                is_kept = read_info(newest).is_read_like(info)
            except RawDamaged:
                return RawWriter(newest, info)
            if is_kept:
                return None
        at = datetime.fromisoformat(info.loaded_at).astimezone(UTC).strftime("%Y%m%dT%H%M%S%f")
        return RawWriter(self._place(info.source, info.entity) / f"{at}-{content}.parquet", info)


class _Seal:
    """A SHA-256 over records, whatever the batches they come in."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.rows = 0

    def add(self, records: pa.Table) -> None:
        lines, texts = (records.column(name).to_pylist() for name in _RECORD)
        told = "".join(
            f"{line}:{-1 if text is None else len(text)}:{text or ''}" for line, text in zip(lines, texts, strict=True)
        )
        self._hash.update(told.encode())
        self.rows += len(lines)

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    """A stored version, open. Whatever its bytes do to the reader is RawDamaged; an absent file is OSError."""
    try:
        with path.open("rb") as handle, pq.ParquetFile(handle, page_checksum_verification=True) as file:
            yield file
    except OSError as error:
        if error.errno is not None:  # of the operating system, not of the content
            raise
        raise RawDamaged(path, "its bytes are not those that were written") from None
    except (
        pa.ArrowException,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise RawDamaged(path, f"it cannot be read: {type(error).__name__}") from None


def _described(path: Path, file: pq.ParquetFile) -> tuple[RawInfo, dict[str, Any] | None]:
    """What a version was, and its seal; None in one of 0.1.0."""
    metadata = file.metadata.metadata or {}
    text = metadata[_KEY]
    told = json.loads(text)
    store_format = told.get("store_format", 1)
    seal = json.loads(metadata[_SEAL]) if _SEAL in metadata else None
    if (seal is None and store_format > 1) or (seal and seal["info"] != hashlib.sha256(text).hexdigest()):
        raise RawDamaged(path, "its description is not the one that was written")
    if store_format > STORE_FORMAT:
        raise RawTooNew(
            f"{shown_path(path)}: written by a newer version of Leadhouse (format {store_format}), expected format"
            f" {STORE_FORMAT} at most; install that version"
        )
    info = RawInfo(**{field.name: told[field.name] for field in fields(RawInfo) if field.name in told})
    datetime.fromisoformat(info.loaded_at)
    return info, seal


def newest_moment(folder: Path) -> datetime | None:
    """When the newest stored version of any file was loaded, from the names alone; None where there is none."""
    names = (path.name.partition("-")[0] for path in folder.glob("*/*/*.parquet"))
    newest = max((name for name in names if re.fullmatch(r"\d{8}T\d{12}", name)), default=None)
    return datetime.strptime(newest, "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC) if newest else None


def read_info(path: Path) -> RawInfo:
    """What a stored version was; fields this version does not know are left out, those it lacks have their default.

    Raises RawDamaged, RawTooNew, OSError where there is no such file.
    """
    with _opened(path) as file:
        return _described(path, file)[0]


def read_records(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The records of a version in batches, in the order of the file: `columns` (default all), absent ones null.

    Raises RawDamaged where the bytes are not those that were written, at the latest after the last batch: nothing of
    it counts before the end is reached. Raises RawTooNew, OSError.
    """
    wanted = [field for field in _COLUMNS if columns is None or field.name in columns]
    with _opened(path) as file:
        _, seal = _described(path, file)
        found, schema = _Seal(), file.schema_arrow
        present = [field.name for field in _COLUMNS if field in wanted or field.name in _RECORD]
        present = [name for name in present if name in schema.names]
        for batch in file.iter_batches(columns=present, batch_size=_BATCH):
            records = pa.Table.from_batches([batch])
            if seal is not None:
                found.add(records)
            else:
                records.validate(full=True)
            yield pa.Table.from_arrays(
                [
                    records.column(field.name).cast(field.type)
                    if field.name in present
                    else pa.nulls(records.num_rows, field.type)
                    for field in wanted
                ],
                schema=pa.schema(wanted),
            )
        if seal is not None and (found.rows, found.digest) != (seal["rows"], seal["records"]):
            raise RawDamaged(path, f"its {found.rows:,} records are not the {seal['rows']:,} that were written")


def read_texts(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of each stored record, in the order of the file. Raises what `read_records` raises."""
    for records in read_records(path, _RECORD):
        yield from zip(*(records.column(name).to_pylist() for name in _RECORD), strict=True)


def verify(path: Path) -> bool:
    """Read a version whole; True where its seal says that nothing is missing, False for one of 0.1.0, which has none.

    Raises RawDamaged, RawTooNew, OSError.
    """
    for _ in read_records(path):
        pass
    with _opened(path) as file:
        return _described(path, file)[1] is not None


def rewrite(path: Path, transform: Callable[[pa.Table], pa.Table]) -> None:
    """Replace the records of a version, atomically; it keeps its name and its info and gets a fresh seal.

    `transform` gets a batch of records (the columns of the store) and returns what is kept of them, in the same
    columns. Raises RawDamaged, with the version left as it is, RawTooNew, OSError.
    """
    writer = RawWriter(path, read_info(path))
    try:
        for records in read_records(path):
            writer.add(transform(records))
        writer.publish()
    except BaseException:
        writer.discard()
        raise


def read_rows(path: Path) -> Iterator[tuple[Any, ...]]:
    """(line, text, person_id, email, phone, erased) of each stored record. Raises what `read_records` raises."""
    for records in read_records(path):
        yield from zip(*(column.to_pylist() for column in records.columns), strict=True)


def read_erased(path: Path) -> dict[int, str]:
    """Line -> pseudonym of the stored records that are an erased person's. Raises what `read_records` raises."""
    found: dict[int, str] = {}
    for records in read_records(path, ("line", "erased")):
        pairs = zip(records.column("line").to_pylist(), records.column("erased").to_pylist(), strict=True)
        found |= {line: erased for line, erased in pairs if erased}
    return found


class RawWriter:
    """Writes one version under a temporary name; `publish` gives it its own, `discard` leaves nothing behind.

    Raises CriticalProblem where the folder cannot be written or the disk is full: that is no fault of the export.
    """

    def __init__(self, path: Path, info: RawInfo) -> None:
        self._path = path
        self.info = info
        self._seal = _Seal()
        self.temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self._schema = pa.schema(_COLUMNS)
        self._writer: pq.ParquetWriter | None = None
        with writing(path.parent):
            self.temporary.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(self.temporary, self._schema, compression="zstd", write_page_checksum=True)

    def write(self, lines: Sequence[int], texts: Sequence[str], persons: Mapping[str, Sequence[str | None]]) -> None:
        """Add records; `persons` holds person_id, email and phone as given and `erased`, one value a record."""
        columns: Mapping[str, Sequence[int | str | None]] = {**persons, "line": lines, "text": texts}
        arrays = [
            pa.array(columns[field.name], field.type) if field.name in columns else pa.nulls(len(lines), field.type)
            for field in _COLUMNS
        ]
        self.add(pa.Table.from_arrays(arrays, schema=self._schema))

    def add(self, records: pa.Table) -> None:
        """Add records in the columns of the store."""
        if self._writer is not None:
            with writing(self._path.parent):
                self._writer.write_table(records)
            self._seal.add(records)

    def close(self) -> None:
        """Finish the file: what it was, and its seal."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        info = json.dumps(asdict(self.info) | {"store_format": STORE_FORMAT}, ensure_ascii=False).encode()
        seal = {"info": hashlib.sha256(info).hexdigest(), "rows": self._seal.rows, "records": self._seal.digest}
        with writing(self._path.parent):
            writer.add_key_value_metadata({_KEY: info, _SEAL: json.dumps(seal).encode()})
            writer.close()

    def publish(self) -> None:
        """Make the version visible: an atomic rename of what is on disk."""
        self.close()
        with writing(self._path.parent):
            flush(self.temporary)
            os.replace(self.temporary, self._path)
            flush(self._path.parent)

    def discard(self) -> None:
        """Remove what was written. What cannot be removed now, the next build sweeps."""
        with contextlib.suppress(CriticalProblem):  # a full disk cannot take the last bytes either
            self.close()
        with contextlib.suppress(OSError):
            self.temporary.unlink()
