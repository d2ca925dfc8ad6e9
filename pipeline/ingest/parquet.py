"""Parquet columns as text, so that they are judged by the same rules as any other export."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import UnreadableInput, msg
from pipeline.ingest.sheet import (
    TEXT,
    Sheet,
    as_text_column,
    moment_as_text,
    number_as_text,
    tidy_name,
)

MOST_BYTES = 4 * 2**30
MOST_ROWS = 50_000_000


def read_parquet(name: str, data: bytes) -> Sheet:
    """Read a Parquet file; its rows are numbered from 1.

    Raises
    ------
    UnreadableInput
        The file is damaged, too large, or a column holds lists, records or binary values.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        parts = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
        if file.metadata.num_rows > MOST_ROWS or sum(p.total_byte_size for p in parts) > MOST_BYTES:
            raise UnreadableInput(
                msg("{file} is too large to be read at once. Split it.", file=name)
            )
        table = file.read()
    except (pa.ArrowException, OSError):
        raise UnreadableInput(
            msg("{file} is damaged or is no Parquet file. Make the export again.", file=name)
        ) from None
    cells = []
    for label, column in zip(table.column_names, table.columns, strict=True):
        text = _as_text(column)
        if text is None:
            raise UnreadableInput(
                msg(
                    "{file}: column {column} holds lists, records or binary values. Export it as "
                    "text or leave it out.",
                    file=name,
                    column=label[:40],
                )
            )
        cells.append(text)
    names = tuple(tidy_name(label) for label in table.column_names)
    return Sheet(name, names, tuple(cells), np.arange(1, table.num_rows + 1, dtype=np.int64))


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_null(kind):
        return pa.chunked_array([as_text_column([""] * len(column))])
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        write = _number
    elif pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        write = _moment
    elif _is_plain(kind):
        return pc.fill_null(column.cast(TEXT), "")
    else:
        return None
    # each different value is written once
    coded = column.combine_chunks().dictionary_encode()
    texts = as_text_column(write(coded.dictionary))
    return pa.chunked_array([pc.fill_null(texts.take(coded.indices), "")])


def _number(values: pa.Array) -> list[str]:
    texts = values.cast(TEXT).to_pylist()  # shortest text: 3.4 stays 3.4 in single precision
    return ["" if text == "nan" else number_as_text(float(text)) for text in texts]


def _moment(values: pa.Array) -> list[str]:
    return [moment_as_text(value) for value in values.to_pylist()]


def _is_plain(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_time(kind)
    )
