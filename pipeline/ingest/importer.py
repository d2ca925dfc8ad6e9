"""The import, from paths to a report: read → map → validate → reject → load."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import merge
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from pipeline.errors import Message, msg, msgn
from pipeline.ingest.delimited import read_delimited
from pipeline.ingest.files import SourceFile, find_files
from pipeline.ingest.keys import settle_keys
from pipeline.ingest.mapping import Mapped, known_names, map_columns, tables_of
from pipeline.ingest.parquet import read_parquet
from pipeline.ingest.reject import (
    RejectedRow,
    RejectedTable,
    column_names,
    original_fields,
    original_rows,
    restored,
    write_rejected,
)
from pipeline.ingest.report import ImportReport, ReasonCount
from pipeline.ingest.sheet import Sheet, as_text_column
from pipeline.ingest.validate import (
    Checked,
    Known,
    check,
    check_references,
    unknown,
)
from pipeline.ingest.workbook import Workbook
from pipeline.locale import Language
from pipeline.settings import Settings
from pipeline.store import FileRecord, Rejection, Store
from pipeline.tables import TABLES

Progress = Callable[[Message], None]
"""Is told what the import is doing."""

_CHUNK_ROWS = 20_000

REFERENCED = {"employees": "employee_id", "sessions": "session_id"}
"""Tables that others refer to, and the column that they refer to."""


@dataclass
class _Input:
    """One file and what it feeds."""

    file: SourceFile
    sha256: str
    sheets: dict[str, Sheet]
    """Worksheet per table."""
    parts: list[Checked] = field(default_factory=list)

    @property
    def n_read(self) -> int:
        distinct = {sheet.title: sheet for sheet in self.sheets.values()}
        return sum(sheet.n_rows for sheet in distinct.values())

    @property
    def n_rejected(self) -> int:
        lines = {
            (part.mapped.sheet.title, line) for part in self.parts for line in _rejected_lines(part)
        }
        return len(lines)


@dataclass(frozen=True)
class _Batch:
    """What is to be loaded, and the report but for the loading."""

    report: ImportReport
    rows: Mapping[str, pd.DataFrame]
    rejections: Sequence[Rejection]


def import_files(
    paths: Iterable[Path | str],
    settings: Settings,
    store: Store,
    *,
    strict: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Load exports into the store.

    Good rows are loaded in one transaction. Bad rows are written to `data/rejected/` with their
    line and reasons. Importing the same files again changes nothing.

    Parameters
    ----------
    paths
        Files, or folders of files.
    settings
        Column mapping, scale, language and home folder.
    store
        Where the rows go.
    strict
        Load nothing when any row is bad.
    progress
        Is told each step.

    Raises
    ------
    UnreadableInput
        A file has a structural fault; nothing of any file was loaded.
    StoreError
        The store or the folder for rejected rows cannot be written; nothing was loaded.
    """
    tell = progress or (lambda _: None)
    batch = _prepare(paths, settings, store, tell)
    report = batch.report
    if strict and report.rejected_folder is not None:
        return report
    tell(msg("Loading"))
    try:
        loaded = store.load(report.batch_id, report.files, batch.rows, batch.rejections)
    except BaseException:
        if report.rejected_folder is not None:
            shutil.rmtree(report.rejected_folder, ignore_errors=True)  # of no batch
        raise
    return replace(report, loaded=loaded)


def _prepare(
    paths: Iterable[Path | str], settings: Settings, store: Store, tell: Progress
) -> _Batch:
    """Do everything but the loading; what was read is let go of before the store needs memory."""
    inputs = [_read(file, settings, tell) for file in find_files(paths)]
    mapped = [_map(source, settings) for source in inputs]
    for source, tables in zip(inputs, mapped, strict=True):
        for one in tables:
            tell(msg("Checking {table} in {file}", table=one.table, file=source.file.name))
            readers = [other for other in tables if other.sheet.title == one.sheet.title]
            collapses = len(readers) > 1 and one.table != "ratings"
            judged = one.distinct() if collapses else one
            source.parts.append(check(judged, settings.scale, collapses=collapses))
    parts = {
        table: found
        for table in TABLES
        if (found := [p for s in inputs for p in s.parts if p.mapped.table == table])
    }
    rows, warnings = _settle(parts, store)
    warnings += [warning for tables in mapped for one in tables for warning in one.warnings]
    warnings += [
        msg("{file} has a header and no rows.", file=source.file.name)
        for source in inputs
        if not source.n_read
    ]
    batch_id = _batch_id(inputs)
    rejected = {table: found for table, found in parts.items() if any(map(_is_bad, found))}
    report = ImportReport(
        batch_id=batch_id,
        loaded=None,
        files=tuple(FileRecord(s.file.name, s.sha256, s.n_read, s.n_rejected) for s in inputs),
        n_read={table: sum(map(_n_read, found)) for table, found in parts.items()},
        n_rejected={
            table: sum(len(_rejected_lines(part)) for part in found)
            for table, found in parts.items()
        },
        reasons=_reasons(parts),
        warnings=tuple(warnings),
        ignored_columns=_ignored(inputs),
        rejected_folder=_write(rejected, settings, batch_id),
    )
    rejections = [r for found in rejected.values() for part in found for r in _rejections(part)]
    return _Batch(report, rows, rejections)


def _read(file: SourceFile, settings: Settings, tell: Progress) -> _Input:
    tables = tables_of(file, settings.imports)
    tell(msg("Reading {file}", file=file.name))
    data = file.read()
    sha256 = hashlib.sha256(data).hexdigest()
    if file.ending == ".xlsx":
        book = Workbook(file.name, data)
        wanted = {t: settings.imports[t].sheet if t in settings.imports else None for t in tables}
        return _Input(file, sha256, {t: book.read(t, sheet) for t, sheet in wanted.items()})
    if file.ending == ".parquet":
        sheet = read_parquet(file.name, data)
    else:
        known = known_names(tables, settings.imports)
        sheet = restored(read_delimited(file.name, file.unpack(data), known))
    return _Input(file, sha256, dict.fromkeys(tables, sheet))


def _map(source: _Input, settings: Settings) -> list[Mapped]:
    return [map_columns(sheet, table, settings.imports) for table, sheet in source.sheets.items()]


def _settle(
    parts: Mapping[str, Sequence[Checked]], store: Store
) -> tuple[dict[str, pd.DataFrame], list[Message]]:
    """Check what rows refer to and what they repeat; return the rows to be loaded."""
    ids: dict[str, pa.Array] = {}
    cycles = store.cycle_dates()[["cycle", "starts_on", "ends_on"]]
    today = dt.datetime.now(dt.UTC).date()
    rows: dict[str, pd.DataFrame] = {}
    outsiders: set[str] = set()
    for table in TABLES:  # a table comes after the tables that it refers to
        if table in parts:
            known = Known(ids, cycles)
            for part in parts[table]:
                check_references(part, known, today)
            kept = settle_keys(table, parts[table])
            if table == "ratings":
                for frame in kept:
                    outsiders |= set(
                        frame.loc[unknown(frame["rater_id"], known, "employees"), "rater_id"]
                    )
            rows[table] = pd.concat(
                [_with_source(f, p) for f, p in zip(kept, parts[table], strict=True)],
                ignore_index=True,
            )
        if table in REFERENCED:
            known_ids = set(store.known_ids(table))
            if table in rows:
                known_ids |= set(rows[table][REFERENCED[table]])
            ids[table] = as_text_column(known_ids)
        if table == "cycles" and table in rows:
            dated = rows[table][list(cycles.columns)]
            cycles = pd.concat([cycles, dated]).drop_duplicates("cycle", keep="last")
    warnings = []
    if outsiders:
        warnings.append(
            msgn(
                "{n} rater is not among the employees; the ratings are loaded.",
                "{n} raters are not among the employees; their ratings are loaded.",
                len(outsiders),
            )
        )
    return rows, warnings


def _with_source(frame: pd.DataFrame, part: Checked) -> pd.DataFrame:
    sheet = part.mapped.sheet
    return frame.assign(
        source_file=pd.Series(sheet.file, index=frame.index, dtype="str"),
        source_line=pd.Series(sheet.lines[frame.index], index=frame.index, dtype="Int64"),
    )


def _is_bad(part: Checked) -> bool:
    return bool(part.faults.found or part.mapped.sheet.odd_rows)


def _rejected_lines(part: Checked) -> list[int]:
    sheet = part.mapped.sheet
    return [*sheet.lines[part.faults.bad].tolist(), *(row.line for row in sheet.odd_rows)]


def _n_read(part: Checked) -> int:
    return part.mapped.sheet.n_rows


def _batch_id(inputs: Sequence[_Input]) -> str:
    content = hashlib.sha256("".join(source.sha256 for source in inputs).encode()).hexdigest()
    return f"{dt.datetime.now(dt.UTC):%Y%m%d-%H%M%S-%f}-{content[:6]}"


def _write(
    rejected: Mapping[str, Sequence[Checked]], settings: Settings, batch_id: str
) -> Path | None:
    if not rejected:
        return None
    language = Language(settings.pack.language)
    tables = {
        table: RejectedTable(
            column_names([part.mapped.sheet for part in found]),
            (row for part in found for row in _rejected_rows(part, language)),
        )
        for table, found in rejected.items()
    }
    return write_rejected(settings.data / "rejected" / batch_id, tables)


def _rejected_rows(part: Checked, language: Language) -> Iterator[RejectedRow]:
    """Give the bad rows of a file in the order of their lines."""
    yield from merge(
        _misfits(part.mapped.sheet, language),
        _faulty(part, language),
        key=lambda row: row.line,
    )


def _misfits(sheet: Sheet, language: Language) -> Iterator[RejectedRow]:
    for odd in sheet.odd_rows:
        yield RejectedRow(
            sheet.file, odd.line, (), (language.say(odd.reason),), original_fields(sheet, odd)
        )


def _faulty(part: Checked, language: Language) -> Iterator[RejectedRow]:
    sheet = part.mapped.sheet
    bad = np.flatnonzero(part.faults.bad)
    said: dict[int, str] = {}
    of_rows = part.faults.by_row()
    for start in range(0, len(bad), _CHUNK_ROWS):
        chunk = bad[start : start + _CHUNK_ROWS]
        for row, values in zip(chunk.tolist(), original_rows(sheet, chunk), strict=True):
            columns, reasons = [], []
            for column, reason in next(of_rows):
                if id(reason) not in said:
                    said[id(reason)] = language.say(reason)
                columns.append(column)
                reasons.append(said[id(reason)])
            yield RejectedRow(
                sheet.file, int(sheet.lines[row]), tuple(columns), tuple(reasons), values
            )


def _rejections(part: Checked) -> Iterator[Rejection]:
    sheet, table = part.mapped.sheet, part.mapped.table
    people = part.frame.get("employee_id")
    for fault in part.faults.found:
        about = (
            [None] * len(fault.rows)
            if people is None
            else people.iloc[fault.rows].astype(object).where(lambda s: s.notna(), None).tolist()
        )
        for i, person in enumerate(about):
            column, reason = fault.at(i)
            line = int(sheet.lines[fault.rows[i]])
            yield Rejection(sheet.file, table, line, column, reason, person)
    for odd in sheet.odd_rows:
        yield Rejection(sheet.file, table, odd.line, "", odd.reason, None)


def _reasons(parts: Mapping[str, Sequence[Checked]]) -> tuple[ReasonCount, ...]:
    counts: Counter[tuple[str, str, str]] = Counter()
    said: dict[str, Message] = {}
    for table, found in parts.items():
        for part in found:
            for fault in part.faults.found:
                said.setdefault(str(fault.reason), fault.reason)
                names, n_each = np.unique(np.array(fault.columns), return_counts=True)
                for name, n in zip(names.tolist(), n_each.tolist(), strict=True):
                    n_rows = n if len(fault.columns) > 1 else len(fault.rows)
                    counts[table, name, str(fault.reason)] += n_rows
            for odd in part.mapped.sheet.odd_rows:
                said.setdefault(str(odd.reason), odd.reason)
                counts[table, "", str(odd.reason)] += 1
    return tuple(
        ReasonCount(table, column, said[reason], n)
        for (table, column, reason), n in sorted(
            counts.items(), key=lambda item: (-item[1], item[0])
        )
    )


def _ignored(inputs: Sequence[_Input]) -> dict[str, tuple[str, ...]]:
    """Return per file the columns that no table takes from the sheet that it reads."""
    ignored: dict[str, tuple[str, ...]] = {}
    for source in inputs:
        unused: dict[str, None] = {}
        for part in source.parts:
            title = part.mapped.sheet.title
            takers = [p for p in source.parts if p.mapped.sheet.title == title]
            left = [n for n in part.mapped.ignored if all(n in p.mapped.ignored for p in takers)]
            unused.update(dict.fromkeys(left))
        if unused:
            ignored[source.file.name] = (*ignored.get(source.file.name, ()), *unused)
    return ignored
