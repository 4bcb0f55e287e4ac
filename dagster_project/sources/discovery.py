"""Sources of kind `files`: which files of a folder, members of archives and sheets of workbooks feed which entity."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from dagster_project.config import Source, Table, nearest
from dagster_project.entities import ENTITIES, Entity
from dagster_project.errors import SourceUnreachable
from dagster_project.sources.files import entity_named, has_format, own_name, reads_sheet, rules_of, split_archive
from dagster_project.sources.formats.archives import Spool, members
from dagster_project.sources.formats.kinds import OLD_EXCEL, ZIP, format_of, is_data, suffix, without_gzip
from dagster_project.sources.formats.reader import raw_names
from dagster_project.sources.formats.xlsx import sheet_headers
from dagster_project.sources.mapping import Plan
from dagster_project.sources.rates import Rates
from dagster_project.sources.records import Format, UnreadableFile
from dagster_project.sources.rejects import is_column_name

_NO_RATES = Rates("", frozenset())  # a header's columns are found without


@dataclass(frozen=True)
class InputFile:
    """What feeds an entity: a file, a member of an archive, or a sheet of either; `table` None where it is canonical.

    `file` is its name: relative to the source's folder, `export.zip/calls.csv` in an archive, `calls.xlsx#Feb` for a
    further sheet.
    """

    entity: Entity
    file: str
    path: Path
    table: Table | None
    member: str | None = None
    sheet: str | None = None

    @property
    def format(self) -> Format:
        return format_of(self.member or self.path.name)


@dataclass(frozen=True)
class _Candidate:
    """A file of a folder or of an archive."""

    name: str
    path: Path
    member: str | None = None


@dataclass
class Discovery:
    """The files of a source, and what is wrong with the folder: (check, subject, words)."""

    files: list[InputFile] = field(default_factory=list)
    warnings: list[tuple[str, str, str]] = field(default_factory=list)
    critical: list[tuple[str, str, str]] = field(default_factory=list)
    absent: set[str] = field(default_factory=set)
    """Entities of which files are missing that may be."""


def discover(
    source: Source, spool: Spool, *, may_be_empty: frozenset[str] = frozenset(), ours: Iterable[Path | None] = ()
) -> Discovery:
    """Find a source's files, sorted by name. Raises SourceUnreachable where its folder is not there.

    `may_be_empty`: entities whose files may all be gone, because they stay loaded, or because that was accepted.
    `ours`: folders that hold no exports, should they lie below the source's.
    """
    if not source.path.is_dir():
        raise SourceUnreachable(
            f"{source.name}: found no folder {source.shown_path}, expected the source's files", source.name
        )
    search = _Search(source, spool)
    try:
        if source.tables:
            search.mapped(may_be_empty)
        else:
            search.canonical(may_be_empty, ours)
    except OSError as error:
        raise SourceUnreachable(
            f"{source.name}: the folder {source.shown_path} cannot be read: {error.strerror}", source.name
        ) from None
    found = search.found
    found.files.sort(key=lambda file: (file.entity.name, file.file))
    return found


def _name(path: Path, source: Source) -> str:
    """The file's name relative to the source's folder; bytes that are no text become question marks."""
    return path.relative_to(source.path).as_posix().encode("utf-8", "replace").decode("utf-8")


class _Search:
    def __init__(self, source: Source, spool: Spool) -> None:
        self.found = Discovery()
        self._source, self._spool = source, spool
        self._folder = source.path.resolve()  # which may be a link itself: the configuration names it
        self._read: set[tuple[str, str, str | None]] = set()
        self._names: set[tuple[str, str]] = set()

    def _warn(self, check: str, name: str, text: str) -> None:
        self.found.warnings.append((check, f"{self._source.name}/{name}" if name else self._source.name, text))

    def _critical(self, check: str, name: str, text: str) -> None:
        self.found.critical.append((check, f"{self._source.name}/{name}" if name else self._source.name, text))

    # -- files whose names are those of entities

    def canonical(self, may_be_empty: frozenset[str], ours: Iterable[Path | None]) -> None:
        source, found = self._source, self.found
        for path in sorted(path for path in source.path.iterdir() if path.is_file() and not path.name.startswith(".")):
            for candidate in self._inside(path):
                self._canonical_file(candidate)
        below = _below(source, ours)
        if below:
            number = f"{len(below):,} files in subfolders are" if len(below) > 1 else "1 file in a subfolder is"
            text = (
                f'{number} not read, the first is "{below[0]}"; expected them in the folder itself, or tables with a'
                " pattern such as **/*.csv"
            )
            self._warn("unmatched_file", "", text)
        if not found.files and may_be_empty:
            found.absent |= may_be_empty
        elif not found.files and not found.critical:
            text = 'found no file of an entity, such as "inquiries.csv" or "touches-2026-11.csv"'
            self._critical("no_file", "", text)

    def _inside(self, path: Path) -> list[_Candidate]:
        """A file, or the members of an archive; nothing of a link that leads out of the source's folder."""
        name = _name(path, self._source)
        if not path.resolve().is_relative_to(self._folder):
            text = (
                "it is a link that leads out of the source's folder, expected the file itself; put a copy in its place"
            )
            self._critical("unreadable_file", name, text)
            return []
        if suffix(name) != ZIP:
            return [_Candidate(name, path)]
        try:
            inside = members(path)
        except UnreadableFile as problem:
            self._critical("unreadable_file", name, str(problem))
            return []
        except OSError as error:
            self._critical("unreadable_file", name, f"cannot be read: {error.strerror}")
            return []
        if not any(is_data(member) for member in inside):
            self._warn("unmatched_file", name, "the archive holds no data file, nothing of it is read")
        return [_Candidate(f"{name}/{member}", path, given) for member, given in sorted(inside.items())]

    def _canonical_file(self, candidate: _Candidate) -> None:
        own = own_name(candidate.name)
        entity = entity_named(own)
        if entity and has_format(own):
            self._add(ENTITIES[entity], candidate, None)
        elif entity and suffix(without_gzip(own)) == OLD_EXCEL:
            self._old_excel(candidate)
        elif format_of(own) == "xlsx":
            self._sheets_of_entities(candidate)
        elif is_data(own):
            self._unmatched(candidate)

    def _old_excel(self, candidate: _Candidate) -> None:
        self._critical("unreadable_file", candidate.name, "files of type .xls are not read, save it as .xlsx")

    def _unmatched(self, candidate: _Candidate) -> None:
        close = nearest(own_name(candidate.name).split(".")[0], list(ENTITIES))
        text = "the file's name is that of no entity, it is not read" + (f"; nearest is {close}.csv" if close else "")
        self._warn("unmatched_file", candidate.name, text)

    def _sheets_of_entities(self, candidate: _Candidate) -> None:
        """A workbook that is not named after an entity, but its sheets may be."""
        headers = self._headers(candidate, 0)
        if headers is None:
            return
        entities = {sheet: entity_named(sheet) for sheet in headers}
        if not any(entities.values()):
            self._unmatched(candidate)
            return
        for sheet, entity in entities.items():
            if entity:
                name = f"{candidate.name}#{sheet}"
                self.found.files.append(
                    InputFile(ENTITIES[entity], name, candidate.path, None, candidate.member, sheet)
                )
            else:
                self._unread_sheet(candidate, headers, sheet, "its name is that of no entity")

    # -- files that tables name

    def mapped(self, may_be_empty: frozenset[str]) -> None:
        for number, table in enumerate(self._source.tables):
            told = len(self.found.critical)
            candidates = self._matching(table)
            for candidate in candidates:
                if suffix(without_gzip(candidate.name)) == OLD_EXCEL:
                    self._old_excel(candidate)
                else:
                    self._add(ENTITIES[table.entity], candidate, table)
            if candidates or len(self.found.critical) > told:
                continue
            if table.entity in may_be_empty:
                self.found.absent.add(table.entity)
                continue
            text = f"found no file in the source's folder for table[{number}] ({table.entity})"
            close = nearest(table.file, [path.name for path in self._source.path.iterdir()])
            self._critical("no_file", table.file, text + (f', nearest is "{close}"' if close else ""))

    def _matching(self, table: Table) -> list[_Candidate]:
        """Files that a table's pattern names, also inside archives that it names."""
        archive, inside = split_archive(table.file)
        try:
            paths = sorted(path for path in self._source.path.glob(archive) if path.is_file())
        except (ValueError, NotImplementedError) as error:
            self._critical("no_file", table.file, f"the pattern cannot be used: {error}")
            return []
        found = []
        for path in paths:
            name = _name(path, self._source)
            for candidate in self._inside(path):
                if suffix(name) != ZIP:
                    found += [] if inside else [candidate]
                elif is_data(candidate.name) and fnmatchcase(candidate.name[len(name) + 1 :], inside or "*"):
                    found.append(candidate)
        return found

    # -- sheets

    def _add(self, entity: Entity, candidate: _Candidate, table: Table | None) -> None:
        file = InputFile(entity, candidate.name, candidate.path, table, candidate.member)
        if file.format != "xlsx":
            self._add_unit(file, candidate.name)
            return
        headers = self._headers(candidate, table.skip_lines if table else 0)
        for sheet in self._chosen(candidate, headers, entity, table) if headers is not None else ():
            self._add_unit(replace(file, sheet=sheet), candidate.name)

    def _add_unit(self, file: InputFile, name: str) -> None:
        if (file.entity.name, name, file.sheet) in self._read:
            text = f"two tables of {file.entity.name} read this file, expected one"
            self._critical("file_read_twice", name, text)
            return
        self._read.add((file.entity.name, name, file.sheet))
        if (file.entity.name, name) in self._names:
            file = replace(file, file=f"{name}#{file.sheet}")
        self._names.add((file.entity.name, name))
        self.found.files.append(file)

    def _headers(self, candidate: _Candidate, skip: int) -> dict[str, list[str]] | None:
        """The header of each sheet that is not empty; None where the workbook cannot be read, which is told."""
        try:
            headers = sheet_headers(self._spool.plain(candidate.path, candidate.member), skip)
        except UnreadableFile as problem:
            self._critical("unreadable_file", candidate.name, str(problem))
            return None
        except OSError as error:
            self._critical("unreadable_file", candidate.name, f"cannot be read: {error.strerror}")
            return None
        if not headers:
            self._critical("unreadable_file", candidate.name, "the workbook is empty, not even a header")
            return None
        return headers

    def _chosen(
        self, candidate: _Candidate, headers: dict[str, list[str]], entity: Entity, table: Table | None
    ) -> list[str]:
        """The sheets that a table names, else those with the required columns, else the one that comes nearest."""
        if table and table.sheet:
            chosen = [sheet for sheet in headers if reads_sheet(table, sheet)]
            if not chosen:
                close = nearest(table.sheet, [sheet for sheet in headers if is_column_name(sheet)])
                text = f'found no sheet "{table.sheet}" that is not empty'
                self._critical("no_sheet", candidate.name, text + (f', nearest is "{close}"' if close else ""))
            return chosen
        rules = rules_of(self._source, table)
        chosen = [
            sheet
            for sheet, header in headers.items()
            if not Plan(entity, table, header, rules, _NO_RATES).findings.critical
        ]
        if not chosen:
            names = set(raw_names(entity, table))
            return [max(headers, key=lambda sheet: len({cell.strip().casefold() for cell in headers[sheet]} & names))]
        for sheet in headers:
            if sheet not in chosen:
                self._unread_sheet(candidate, headers, sheet, f"its header lacks required columns of {entity.name}")
        return chosen

    def _unread_sheet(self, candidate: _Candidate, headers: dict[str, list[str]], sheet: str, why: str) -> None:
        shown = f'"{sheet}"' if is_column_name(sheet) else str(list(headers).index(sheet) + 1)
        self._warn("unread_sheet", candidate.name, f"sheet {shown} is not read: {why}")


def _below(source: Source, ours: Iterable[Path | None]) -> list[str]:
    """Data files in the subfolders of a source, as they would be named."""
    skipped = {folder.resolve() for folder in ours if folder}
    found: list[str] = []
    for folder, subfolders, names in os.walk(source.path):
        here = Path(folder)
        subfolders[:] = sorted(
            name for name in subfolders if not name.startswith(".") and (here / name).resolve() not in skipped
        )
        if here != source.path:
            paths = [here / name for name in sorted(names) if not name.startswith(".")]
            found += [_name(path, source) for path in paths if is_data(path.name)]
    return found
