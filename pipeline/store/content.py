"""The rows of a frame as the store keeps them: plain columns, and two digests per row.

``row_key`` is made of the columns that identify a row, ``row_hash`` of all others; two versions of
a row share the first and differ in the second. Everything is done a chunk at a time, on Arrow
arrays, since a million rows as Python objects need gigabytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.tables import TABLES, key_of, kind_of

CHUNK = 25_000
SOURCE = ("source_file", "source_line")
_SEPARATOR = "\x1f"


def contents(table: str, frame: pd.DataFrame) -> Iterator[pa.Table]:
    """Yield the rows a chunk at a time, as they are kept.

    Parameters
    ----------
    table
        Name in the data contract.
    frame
        Columns of the contract plus ``source_file`` and ``source_line``.

    Yields
    ------
    pyarrow.Table
        The same columns in the order of the contract, with ``row_key`` and ``row_hash`` last; text
        columns of the key are never null.
    """
    names = list(TABLES[table].columns)
    key = key_of(table)
    texts = {name for name in key if kind_of(table, name) in ("id", "text", "choice")}
    others = [name for name in names if name not in key]
    for start in range(0, len(frame), CHUNK):
        part = frame.iloc[start : start + CHUNK]
        arrays = {name: _plain(part[name]) for name in (*names, *SOURCE)}
        for name in texts:
            arrays[name] = pc.fill_null(arrays[name], "")
        arrays["row_key"] = pa.array(_digests([arrays[name] for name in key], len(part)))
        arrays["row_hash"] = pa.array(_digests([arrays[name] for name in others], len(part)))
        yield pa.table(arrays)


def _plain(values: pd.Series) -> pa.Array:
    array = pa.array(values, from_pandas=True)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_timestamp(array.type):
        return array.cast(pa.date32())
    if pa.types.is_string(array.type) or pa.types.is_null(array.type):
        return array.cast(pa.large_string())  # one type for every text, so that they join
    return array


def _digests(columns: Sequence[pa.Array], n: int) -> list[str]:
    """Hash the given columns of each row; 128 bits, so that two rows never share one."""
    if not columns:  # every column is part of the key
        return [""] * n
    texts = [pc.fill_null(_as_text(column), "") for column in columns]
    joined = pc.binary_join_element_wise(*texts, pa.scalar(_SEPARATOR, pa.large_string()))
    blake = hashlib.blake2b
    rows = joined.cast(pa.large_binary()).to_numpy(zero_copy_only=False).tolist()
    return [blake(row, digest_size=16).hexdigest() for row in rows]


def _as_text(column: pa.Array) -> pa.Array:
    # digests of earlier versions are compared with, so these texts may not change: numbers and
    # flags as Python writes them, days as ISO
    if pa.types.is_floating(column.type) or pa.types.is_boolean(column.type):
        distinct = column.dictionary_encode()
        said = [None if value is None else str(value) for value in distinct.dictionary.to_pylist()]
        return pa.array(said, pa.large_string()).take(distinct.indices)
    return column.cast(pa.large_string())


def as_tuples(chunk: pa.Table) -> list[tuple[object, ...]]:
    """Return rows of plain Python values: text, number, flag or None; days as ISO text."""
    columns = []
    for column in chunk.columns:
        if pa.types.is_date(column.type):
            column = column.cast(pa.large_string())
        text = pa.types.is_large_string(column.type)
        # to_numpy is many times faster than to_pylist, but makes numbers with gaps NaN
        quick = text or not column.null_count
        columns.append(column.to_numpy().tolist() if quick else column.to_pylist())
    return list(zip(*columns, strict=True))
