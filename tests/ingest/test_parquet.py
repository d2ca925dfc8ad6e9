"""Parquet columns become the same text as those of a CSV."""

import datetime as dt
import io
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import UnreadableInput
from pipeline.ingest.parquet import read_parquet


def parquet(columns):
    """Return columns as the bytes of a Parquet file."""
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


def test_every_plain_type_becomes_text():
    """Every plain type becomes text."""
    sheet = read_parquet(
        "x.parquet",
        parquet(
            {
                "text": ["007", None],
                "coded": pa.array(["a", None]).dictionary_encode(),
                "whole": pa.array([1, None], pa.int32()),
                "number": [123.0, float("nan")],
                "single": pa.array([3.4, None], pa.float32()),
                "decimal": [Decimal("3.50"), None],
                "flag": [True, None],
                "day": [dt.date(2025, 2, 3), None],
                "moment": [dt.datetime(2025, 2, 3, 4, 5), None],
                "nothing": pa.nulls(2),
            }
        ),
    )
    assert [column.to_pylist() for column in sheet.cells] == [
        ["007", ""], ["a", ""], ["1", ""], ["123", ""], ["3.4", ""], ["3.5", ""], ["true", ""],
        ["2025-02-03", ""], ["2025-02-03 04:05:00", ""], ["", ""],
    ]  # fmt: skip
    assert sheet.lines.tolist() == [1, 2]


def test_a_parquet_file_is_imported_like_any_other(run, keeper):
    """A parquet file is imported like any other."""
    employees = parquet({"Employee ID": [7.0, None], "department": ["Zorg", "Zorg"]})
    report = run({"employees.parquet": employees})
    assert keeper.rows["employees"]["employee_id"].tolist() == ["7"]
    assert report.n_rejected == {"employees": 1}
    assert keeper.rejections[0].line == 2


def test_lists_and_damaged_files_are_refused():
    """Lists and damaged files are refused."""
    with pytest.raises(UnreadableInput, match="column scores holds lists"):
        read_parquet("x.parquet", parquet({"scores": [[1, 2]]}))
    with pytest.raises(UnreadableInput, match="damaged"):
        read_parquet("x.parquet", b"PAR1 and nothing else")
