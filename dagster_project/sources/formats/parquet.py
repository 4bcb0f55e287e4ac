"""Parquet: columns of types become JSON values; structs become columns `a.b`."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dagster_project.sources.formats.cells import JsonValue, Number, array_record, native, of_bytes, to_json
from dagster_project.sources.formats.limits import check_size
from dagster_project.sources.records import Dialect, OpenTable, Record, UnreadableFile

_BATCH = 1024  # rows: a dictionary may repeat a long text on each
_MAX_COLUMNS = 5_000


def open_parquet(path: Path, mark: str) -> OpenTable:
    """The columns in their order. Raises OSError, and UnreadableFile where it is broken, a bomb, or encrypted."""
    try:
        with pq.ParquetFile(path) as file:
            metadata, schema = file.metadata, file.schema_arrow
            groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
            cells = metadata.num_rows * metadata.num_columns  # a value that repeats takes next to nothing
            size = max(cells, sum(group.total_byte_size for group in groups))
            check_size(size, path.stat().st_size, "the Parquet file")
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise _unreadable(error) from None
    header = [name for field in schema for name in _names(field, "")]
    if len(header) > _MAX_COLUMNS:
        raise UnreadableFile(f"found {len(header):,} columns, expected at most {_MAX_COLUMNS:,}")
    return OpenTable(header, to_json(list(header)), Dialect("parquet"), _records(path, schema, mark))


def _unreadable(error: Exception) -> Exception:
    if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
        return error
    return UnreadableFile("the Parquet file is broken, cut off or encrypted: export it again")


def _names(field: pa.Field, before: str) -> Iterator[str]:
    if pa.types.is_struct(field.type) and field.type.num_fields:
        for place in range(field.type.num_fields):
            yield from _names(field.type.field(place), f"{before}{field.name}.")
    else:
        yield before + field.name


def _records(path: Path, schema: pa.Schema, mark: str) -> Iterator[Record]:
    texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)]
    row = 0
    try:
        with pq.ParquetFile(path, read_dictionary=texts, buffer_size=1 << 20, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=_BATCH):
                columns = [values for array in batch.columns for values in _columns(array)]
                for values in zip(*columns, strict=True):
                    row += 1
                    yield array_record(row, list(values), mark)
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise _unreadable(error) from None


def _columns(array: pa.Array) -> Iterator[list[JsonValue]]:
    if pa.types.is_struct(array.type) and array.type.num_fields:
        for child in array.flatten():  # a struct that is null has only nulls
            yield from _columns(child)
    else:
        yield _values(array)


def _values(array: pa.Array) -> list[JsonValue]:  # noqa: PLR0911 - a type a line
    kind = array.type
    if pa.types.is_dictionary(kind):
        used = array.indices.drop_null().unique()  # the dictionary may be that of all rows
        values = dict(zip(used.to_pylist(), _values(array.dictionary.take(used)), strict=True))
        return [None if place is None else values[place] for place in array.indices.to_pylist()]
    if pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return list(array.to_pylist())
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return [text if text is None else Number(text) for text in pc.cast(array, pa.string()).to_pylist()]
    if pa.types.is_floating(kind):
        return [_float(text) for text in pc.cast(array, pa.string()).to_pylist()]
    if pa.types.is_temporal(kind):
        return _each(_in_microseconds(array), native)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        binary = pa.binary() if pa.types.is_string(kind) else pa.large_binary()
        return _each(array.view(binary), native)  # a file may call bytes text that are none
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return [value if value is None else of_bytes(value) for value in array.to_pylist()]
    return _each(array, native)


def _float(text: str | None) -> JsonValue:
    if text is None or text == "nan":
        return None
    return text if text.endswith("inf") else Number(text)


def _in_microseconds(array: pa.Array) -> pa.Array:
    """Times as Python knows them: nanoseconds are cut off, a zone that nobody knows is UTC."""
    kind = array.type
    if pa.types.is_timestamp(kind):
        unit, zone = "us" if kind.unit == "ns" else kind.unit, kind.tz
        try:
            pa.lib.string_to_tzinfo(zone or "UTC")
        except (LookupError, ValueError, pa.ArrowException):
            zone = "UTC"
        return array.cast(pa.timestamp(unit, zone), safe=False)
    if pa.types.is_duration(kind) and kind.unit == "ns":
        return array.cast(pa.duration("us"), safe=False)
    if pa.types.is_time64(kind):
        return array.cast(pa.time64("us"), safe=False)
    return array.cast(pa.date32(), safe=False) if pa.types.is_date64(kind) else array


def _each(array: pa.Array, convert: Callable[[object], JsonValue]) -> list[JsonValue]:
    """Python values; one that Python has no value for (a year 20000) as pyarrow writes it."""
    try:
        return [convert(value) for value in array.to_pylist()]
    except (ValueError, OverflowError, pa.ArrowException):
        return [_one(value, convert) for value in array]


def _one(value: pa.Scalar, convert: Callable[[object], JsonValue]) -> JsonValue:
    try:
        return convert(value.as_py())
    except (ValueError, OverflowError, pa.ArrowException):
        kind = value.type
        return f"{getattr(value, 'value', 'a value')} {getattr(kind, 'unit', kind)}"
