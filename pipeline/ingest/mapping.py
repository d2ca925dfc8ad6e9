"""Which tables a file feeds, and which column of the export is which column of the contract.

What `workbench.toml` says wins. Without it, a file is known by its name and a column by its name,
however it is capitalised or spaced.
"""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd
import pyarrow as pa

from pipeline.errors import Message, UnreadableInput, msg
from pipeline.ingest.files import SourceFile
from pipeline.ingest.sheet import TEXT, Sheet, same_name
from pipeline.ingest.special import special_category
from pipeline.settings import ColumnSource, ImportTable
from pipeline.tables import TABLES, required_columns

_LONGEST_NAME, _MOST_NAMES = 40, 20
_SEPARATORS = ("-", "_", " ", ".")


@dataclass(frozen=True)
class Mapped:
    """A worksheet whose columns are known."""

    table: str
    sheet: Sheet
    positions: Mapping[str, int]
    """Where the columns of the contract are in the sheet."""
    constants: Mapping[str, str]
    """Columns that hold the same text in every row."""
    meanings: Mapping[str, Mapping[str, str]]
    """What the values of a column mean."""
    prefixes: Mapping[str, str]
    """What is put before the values of a column."""
    ignored: tuple[str, ...]
    """Columns of the sheet that no table of the import uses."""
    warnings: tuple[Message, ...] = ()

    def cells(self, column: str) -> pa.ChunkedArray:
        """Return the text of a column of the contract."""
        if column in self.positions:
            return self.sheet.cells[self.positions[column]]
        n = len(self.sheet.lines)
        return pa.chunked_array([pa.repeat(pa.scalar(self.constants[column], TEXT), n)])

    def distinct(self) -> Mapped:
        """Return the same with only the first of the rows that are alike in every used column."""
        if self.sheet.no_result:
            return self
        used = [self.sheet.cells[i].combine_chunks() for i in self.positions.values()]
        codes = pd.DataFrame(
            {i: texts.dictionary_encode().indices.to_numpy() for i, texts in enumerate(used)}
        )
        first = ~codes.duplicated().to_numpy()
        cells = tuple(column.filter(pa.array(first)) for column in self.sheet.cells)
        sheet = replace(self.sheet, cells=cells, lines=self.sheet.lines[first])
        return replace(self, sheet=sheet)

    @property
    def columns(self) -> list[str]:
        """Columns of the contract that the sheet or the settings give, in the contract's order."""
        return [c for c in TABLES[self.table].columns if c in self.positions or c in self.constants]


def tables_of(file: SourceFile, imports: Mapping[str, ImportTable]) -> list[str]:
    """Return the tables that a file feeds, in the order of loading.

    Raises
    ------
    UnreadableInput
        The file feeds none.
    """
    name, stem = file.name.casefold(), file.stem.casefold()
    fed = [
        table
        for table in TABLES
        if table in imports
        and imports[table].files
        and fnmatch.fnmatchcase(name, imports[table].files.casefold())
    ]
    if not fed:
        fed = [
            table
            for table in TABLES
            if stem == table or stem.startswith(tuple(table + mark for mark in _SEPARATORS))
        ]
    if not fed:
        raise UnreadableInput(
            msg(
                "{file} belongs to no table. Name it after its table ({tables}), or add to "
                'workbench.toml under [import.<table>]: files = "{pattern}".',
                file=file.name,
                tables=", ".join(TABLES),
                pattern=file.name,
            )
        )
    return fed


def known_names(tables: Iterable[str], imports: Mapping[str, ImportTable]) -> set[str]:
    """Return the column names that a file for these tables can have, as `same_name` writes them."""
    names: set[str] = set()
    for table in tables:
        names.update(TABLES[table].columns)
        if table in imports:
            names.update(s.column for s in imports[table].columns.values() if s.column)
    return {same_name(name) for name in names}


def refuse_special(sheet: Sheet) -> None:
    """Refuse a file that holds a special category of personal data.

    Raises
    ------
    UnreadableInput
        A column's name says that it does.
    """
    for name in sheet.names:
        category = special_category(name)
        if category is not None:
            raise UnreadableInput(
                msg(
                    "{file}: column {column} tells about {category}. Such data are specially "
                    "protected (GDPR, articles 9, 10 and 87) and no pack needs them. Remove the "
                    "column from the export and import again; nothing was loaded.",
                    file=sheet.file,
                    column=name[:_LONGEST_NAME],
                    category=category,
                )
            )


def map_columns(sheet: Sheet, table: str, imports: Mapping[str, ImportTable]) -> Mapped:
    """Find the columns of ``table`` in a sheet.

    Raises
    ------
    UnreadableInput
        A required column is missing, the header has a name twice, or is not a header.
    """
    sources = imports[table].columns if table in imports else {}
    if not any(_find(sheet, c, sources.get(c)) for c in TABLES[table].columns):
        raise _no_header(sheet, table, sources)
    refuse_special(sheet)
    _refuse_merged(sheet)
    _refuse_repeated(sheet)
    positions: dict[str, int] = {}
    constants: dict[str, str] = {}
    warnings: list[Message] = []
    for column in TABLES[table].columns:
        source = sources.get(column)
        found = _find(sheet, column, source)
        if len(found) > 1:
            raise UnreadableInput(
                msg(
                    "{file}: columns {columns} could all be {column} of table {table}. Keep one, "
                    "or give the others another name.",
                    file=sheet.file,
                    columns=_shown([sheet.names[i] for i in found]),
                    column=column,
                    table=table,
                )
            )
        if source is not None and source.value is not None:
            constants[column] = source.value
        elif found:
            positions[column] = found[0]
        if source is not None and source.column is not None and not found:
            warnings.append(
                msg(
                    "{file} has no column {name}, which workbench.toml gives for {column} of "
                    "table {table}; {column} stays empty.",
                    file=sheet.file,
                    name=source.column,
                    column=column,
                    table=table,
                )
            )
    missing = [c for c in required_columns(table) if c not in positions and c not in constants]
    if missing:
        raise _missing(sheet, table, missing, sources)
    meanings = {column: source.values for column, source in sources.items() if source.values}
    prefixes = {column: source.prefix for column, source in sources.items() if source.prefix}
    used = set(positions.values())
    ignored = tuple(name for i, name in enumerate(sheet.names) if name and i not in used)
    return Mapped(table, sheet, positions, constants, meanings, prefixes, ignored, tuple(warnings))


def _find(sheet: Sheet, column: str, source: ColumnSource | None) -> list[int]:
    """Return the positions where a column can be: the mapped name first, exact names first."""
    wanted = [source.column, column] if source and source.column else [column]
    return _positions(sheet.names, wanted)


def _positions(names: Sequence[str], wanted: Sequence[str]) -> list[int]:
    for name in wanted:
        exact = [i for i, found in enumerate(names) if found == name]
        loose = [i for i, found in enumerate(names) if same_name(found) == same_name(name)]
        if exact or loose:
            return exact or loose
    return []


def _refuse_merged(sheet: Sheet) -> None:
    if sheet.merged_header:
        raise UnreadableInput(
            msg(
                "{file}: the header has merged cells. The header is one row, one cell for each "
                "column; undo the merging.",
                file=sheet.file,
            )
        )


def _refuse_repeated(sheet: Sheet) -> None:
    repeated = [name for name, n in Counter(n for n in sheet.names if n).items() if n > 1]
    if repeated:
        raise UnreadableInput(
            msg(
                "{file}: the header has these names more than once: {columns}. Give every column "
                "its own name.",
                file=sheet.file,
                columns=_shown(repeated),
            )
        )


def _header_row(sheet: Sheet, table: str, sources: Mapping[str, ColumnSource]) -> int | None:
    """Return the line of the first early row that has every required column."""
    wanted = [
        [sources[c].column or c, c] if c in sources else [c]
        for c in required_columns(table)
        if c not in sources or sources[c].value is None
    ]
    for line, names in sheet.early_rows:
        if all(_positions(names, choice) for choice in wanted):
            return line
    return None


def _no_header(sheet: Sheet, table: str, sources: Mapping[str, ColumnSource]) -> UnreadableInput:
    """Say that no column was recognised; what was found could be data, so it is not shown."""
    line = _header_row(sheet, table, sources)
    if line is not None:
        return UnreadableInput(
            msg(
                "{file}: the header is on line {line}. It must be the first row, without merged "
                "cells; remove the rows above it.",
                file=sheet.file,
                line=str(line),
            )
        )
    return UnreadableInput(
        msg(
            "{file}: no column of table {table} was found. Is the first row the header, and is "
            "the delimiter one of ; , tab |? Expected are {columns}; other names can be given in "
            'workbench.toml under [import.{table}], as {example} = "name in the export".',
            file=sheet.file,
            table=table,
            columns=", ".join(_expected(c, sources) for c in required_columns(table)),
            example=required_columns(table)[0],
        )
    )


def _missing(
    sheet: Sheet, table: str, missing: list[str], sources: Mapping[str, ColumnSource]
) -> UnreadableInput:
    line = _header_row(sheet, table, sources)
    if line is not None:
        return _no_header(sheet, table, sources)
    return UnreadableInput(
        msg(
            "{file} misses {missing} for table {table}. Found are: {found}. Say which column it "
            'is in workbench.toml under [import.{table}]: {example} = "name in the export".',
            file=sheet.file,
            missing=", ".join(_expected(c, sources) for c in missing),
            table=table,
            found=_shown([name for name in sheet.names if name]),
            example=missing[0],
        )
    )


def _expected(column: str, sources: Mapping[str, ColumnSource]) -> str:
    source = sources.get(column)
    return f"{source.column} ({column})" if source and source.column else column


def _shown(names: Sequence[str]) -> str:
    shown = ", ".join(name[:_LONGEST_NAME] for name in names[:_MOST_NAMES])
    return f"{shown}, …" if len(names) > _MOST_NAMES else shown
