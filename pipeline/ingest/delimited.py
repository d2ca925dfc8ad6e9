"""CSV as it comes: encoding, delimiter and line numbers are found out, every cell stays text.

Files without line breaks inside quotes are read by pyarrow; in those, a record is a line. Others
go through the `csv` module, which knows on which line a record starts.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from pipeline.errors import UnreadableInput, msg
from pipeline.ingest.sheet import (
    HEADER_SEARCH,
    TEXT,
    OddRow,
    Sheet,
    as_text_column,
    same_name,
    tidy_name,
    unused,
)

DELIMITERS = ";,\t|"
_SAMPLE_BYTES = 1 << 16
_SAMPLE_ROWS = 25
_BLOCK_BYTES = 1 << 23
_CHUNK_ROWS = 50_000
_END = "\x00end of file\x00"  # cannot occur: files with NUL are refused

_SIGNATURES = {
    b"%PDF": "PDF",
    b"PK\x03\x04": "XLSX/ZIP",
    b"\xd0\xcf\x11\xe0": "XLS",
    b"PAR1": "Parquet",
    b"\x1f\x8b": "GZIP",
    b"\x89PNG": "PNG",
    b"{\\rtf": "RTF",
}


def read_delimited(name: str, data: bytes, known: Collection[str]) -> Sheet:
    """Read a CSV file.

    Parameters
    ----------
    name
        File name, for messages.
    data
        The content of the file.
    known
        Column names that are expected, as `same_name` writes them; they help to recognise the
        delimiter.

    Raises
    ------
    UnreadableInput
        The file is empty, is no text, or has a quotation mark that is never closed.
    """
    text = _as_utf8(name, data)
    delimiter, skipped = _declared_delimiter(text)
    delimiter = delimiter or _find_delimiter(text[skipped[0] :], known)
    header, start = _header(name, text, delimiter, skipped)
    names = tuple(tidy_name(field) for field in header)
    early = _early_rows(text, delimiter, start)
    fast = _read_lines(text, delimiter, len(names), start)
    cells, lines, odd_rows = fast or _read_records(name, text, delimiter, len(names), start)
    return Sheet(name, names, cells, lines, odd_rows, early_rows=early)


def read_records(name: str, data: bytes, known: Collection[str]) -> list[list[str]]:
    """Read every record of a CSV file as it stands, without looking for a header.

    Parameters
    ----------
    name, data, known
        As in `read_delimited`.

    Raises
    ------
    UnreadableInput
        As in `read_delimited`.
    """
    text = _as_utf8(name, data)
    delimiter, (skipped, _) = _declared_delimiter(text)
    body = text[skipped:].rstrip(b"\n") + b"\n"
    delimiter = delimiter or _find_delimiter(body, known)
    last = 1
    records = []
    try:
        for before, _, fields in _records(body + _END.encode(), delimiter):
            last = before + 1
            records.append(fields)
    except csv.Error:
        raise _never_closed(name, last) from None
    if records.pop() != [_END]:
        raise _never_closed(name, last)
    return records


def _as_utf8(name: str, data: bytes) -> bytes:
    if not data or (data[:_SAMPLE_BYTES].isspace() and data.isspace()):
        raise UnreadableInput(msg("{file} is empty. Make the export again.", file=name))
    for signature, what in _SIGNATURES.items():
        if data.startswith(signature):
            raise UnreadableInput(
                msg(
                    "{file} holds no CSV text but {what}. Export it again as CSV, or give the file "
                    "its right extension.",
                    file=name,
                    what=what,
                )
            )
    try:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            data = data.decode("utf-16").encode()
        elif data.startswith(codecs.BOM_UTF8):
            data = data[len(codecs.BOM_UTF8) :]
        if b"\0" in data:
            raise _no_text(name)
        if not _is_utf8(data):
            data = data.decode("cp1252").encode()
    except UnicodeError:
        raise _no_text(name) from None
    if data.count(b"\r") != data.count(b"\r\n"):
        data = re.sub(rb"\r(?!\n)", b"\n", data)
    return data


def _no_text(name: str) -> UnreadableInput:
    return UnreadableInput(
        msg(
            "{file} is no text in UTF-8, UTF-16 or Windows-1252. Export it again as CSV with "
            "encoding UTF-8.",
            file=name,
        )
    )


def _is_utf8(data: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        for start in range(0, len(data), _BLOCK_BYTES):
            decoder.decode(data[start : start + _BLOCK_BYTES])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _records(text: bytes, delimiter: str) -> Iterator[tuple[int, int, list[str]]]:
    """Give every record with the number of lines before it and up to its end."""
    reader = csv.reader((line.decode() for line in io.BytesIO(text)), delimiter=delimiter)
    before = 0
    for fields in reader:
        yield before, reader.line_num, fields
        before = reader.line_num


def _declared_delimiter(text: bytes) -> tuple[str, tuple[int, int]]:
    """Read Excel's first line ``sep=;``: the delimiter, and the bytes and lines to pass over."""
    line = text[:32].split(b"\n", 1)[0]
    bare = line.strip(b"\r\"' \t").lower() if b"\t" not in line else line.strip(b"\r\"'").lower()
    if bare.startswith(b"sep=") and len(bare) == 5 and chr(bare[4]) in DELIMITERS:
        return chr(bare[4]), (min(len(line) + 1, len(text)), 1)
    return "", (0, 0)


def _find_delimiter(text: bytes, known: Collection[str]) -> str:
    """Take the delimiter under which the header is recognised and the rows are equally wide."""
    sample = text[:_SAMPLE_BYTES]
    if len(text) > len(sample):
        sample = sample[: sample.rfind(b"\n") + 1] or sample.decode("utf-8", "ignore").encode()
    best: tuple[tuple[float, ...], str] = ((0.0,), ",")
    for delimiter in DELIMITERS:
        rows = []
        try:
            for _, _, fields in _records(sample, delimiter):
                if not unused(fields):
                    rows.append(fields)
                if len(rows) > _SAMPLE_ROWS:
                    break
        except csv.Error:
            pass  # judged by the rows before it; read again, with a message, later
        widths = Counter(len(row) for row in rows)
        width, n_even = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        if width < 2:
            continue
        hits = max(sum(same_name(field) in known for field in row) for row in rows[:HEADER_SEARCH])
        best = max(best, ((float(hits), n_even / len(rows), float(width)), delimiter))
    return best[1]


def _header(
    name: str, text: bytes, delimiter: str, skipped: tuple[int, int]
) -> tuple[list[str], tuple[int, int]]:
    """Return the header, and how many bytes and lines precede the first row."""
    skip_bytes, skip_lines = skipped
    try:
        for _, after, fields in _records(text[skip_bytes:], delimiter):
            if not unused(fields):
                return fields, (_after_lines(text, skip_bytes, after), skip_lines + after)
    except csv.Error:
        raise _never_closed(name, skip_lines + 1) from None
    raise UnreadableInput(msg("{file} is empty. Make the export again.", file=name))


def _after_lines(text: bytes, start: int, count: int) -> int:
    for _ in range(count):
        found = text.find(b"\n", start)
        if found < 0:
            return len(text)
        start = found + 1
    return start


def _early_rows(
    text: bytes, delimiter: str, start: tuple[int, int]
) -> tuple[tuple[int, tuple[str, ...]], ...]:
    offset, lines = start
    rows = []
    try:
        sample = text[offset : offset + _SAMPLE_BYTES].decode("utf-8", "ignore").encode()
        for before, _, fields in _records(sample, delimiter):
            rows.append((lines + before + 1, tuple(tidy_name(field) for field in fields)))
            if len(rows) == HEADER_SEARCH - 1:
                break
    except csv.Error:
        pass  # only used for a better message
    return tuple(rows)


_Parts = tuple[tuple[pa.ChunkedArray, ...], np.ndarray, tuple[OddRow, ...]]


def _read_lines(text: bytes, delimiter: str, width: int, start: tuple[int, int]) -> _Parts | None:
    """Read where every record is one line; None where that is not so."""
    offset, lines_before = start
    body = memoryview(text)[offset:]
    if not len(body):
        return _empty(width)
    n_lines = text.count(b"\n", offset) + (not text.endswith(b"\n"))
    odd: list[tuple[int, str]] = []

    def put_aside(row: pa.csv.InvalidRow) -> str:
        odd.append((row.number, row.text))
        return "skip"

    names = [str(position) for position in range(width)]
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(pa.py_buffer(body)),
            read_options=pa.csv.ReadOptions(
                use_threads=False, column_names=names, block_size=_BLOCK_BYTES
            ),
            parse_options=pa.csv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=put_aside,
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types=dict.fromkeys(names, TEXT), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows + len(odd) != n_lines:
        return None
    if table.num_rows and any("\n" in str(column[-1].as_py()) for column in table.columns):
        return None  # a quotation mark on the last line that is never closed
    numbers = np.setdiff1d(
        np.arange(1, n_lines + 1), np.array([n for n, _ in odd], dtype=np.int64), True
    )
    kept = _used(table)
    if not kept.all():
        table, numbers = table.filter(pa.array(kept)), numbers[kept]
    rows = _OddRows(width)
    for number, line in odd:
        fields = next(csv.reader([line], delimiter=delimiter), [])
        rows.take(number + lines_before, fields)
    return rows.join(tuple(table.columns), numbers + lines_before)


def _read_records(
    name: str, text: bytes, delimiter: str, width: int, start: tuple[int, int]
) -> _Parts:
    """Read where records can hold line breaks."""
    offset, lines_before = start
    stream = io.TextIOWrapper(io.BytesIO(text[offset:]), encoding="utf-8", newline="")

    def lines() -> Iterator[str]:
        last = "\n"
        for last in stream:  # the last line may lack its line break
            yield last
        if not last.endswith(("\n", "\r")):
            yield "\n"
        yield _END

    reader = csv.reader(lines(), delimiter=delimiter)
    rows = _OddRows(width)
    columns: list[list[pa.Array]] = [[] for _ in range(width)]
    numbers: list[int] = []
    batch: list[list[str]] = []
    first = last = lines_before + 1
    ended = False
    try:
        for fields in reader:
            if fields == [_END]:
                ended = True
            elif len(fields) == width and not unused(fields):
                batch.append(fields)
                numbers.append(first)
            else:
                rows.take(first, fields)
            if len(batch) == _CHUNK_ROWS:
                _flush(batch, columns)
            last, first = first, lines_before + reader.line_num + 1
    except csv.Error:
        last, ended = first, False
    if not ended:
        raise _never_closed(name, last)
    _flush(batch, columns)
    cells = tuple(pa.chunked_array(parts, type=TEXT) for parts in columns)
    return rows.join(cells, np.array(numbers, dtype=np.int64))


def _flush(batch: list[list[str]], columns: list[list[pa.Array]]) -> None:
    for position, column in enumerate(columns):
        column.append(as_text_column(fields[position] for fields in batch))
    batch.clear()


def _never_closed(name: str, line: int) -> UnreadableInput:
    return UnreadableInput(
        msg(
            "{file}: a quotation mark on or after line {line} is never closed, or the text after "
            "it is longer than {longest} characters. Close or remove it.",
            file=name,
            line=str(line),
            longest=csv.field_size_limit(),
        )
    )


def _used(table: pa.Table) -> np.ndarray:
    """Tell which rows hold anything."""
    used = np.zeros(table.num_rows, dtype=bool)
    for column in table.columns:
        if used.all():
            break
        used |= pc.not_equal(pc.utf8_trim_whitespace(column), "").to_numpy()
    return used


def _empty(width: int) -> _Parts:
    cells = tuple(pa.chunked_array([], type=TEXT) for _ in range(width))
    return cells, np.empty(0, dtype=np.int64), ()


class _OddRows:
    """Rows that do not have the header's number of fields."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.refused: list[OddRow] = []
        self.repaired: list[tuple[int, list[str]]] = []

    def take(self, line: int, fields: list[str]) -> None:
        if unused(fields):
            return
        if unused(fields[self.width :]) and len(fields) >= self.width:
            # spreadsheets write empty fields at the end of some rows
            self.repaired.append((line, fields[: self.width]))
            return
        reason = msg(
            "The row has {found} fields and the header {expected}",
            found=len(fields),
            expected=self.width,
        )
        self.refused.append(OddRow(line, tuple(fields), reason))

    def join(self, cells: tuple[pa.ChunkedArray, ...], lines: np.ndarray) -> _Parts:
        if self.repaired:
            lines = np.append(lines, [line for line, _ in self.repaired])
            order = np.argsort(lines, kind="stable")
            lines = lines[order]
            cells = tuple(
                pa.chunked_array(
                    [*column.chunks, as_text_column(fields[i] for _, fields in self.repaired)],
                    type=TEXT,
                ).take(pa.array(order))
                for i, column in enumerate(cells)
            )
        return cells, lines, tuple(self.refused)
