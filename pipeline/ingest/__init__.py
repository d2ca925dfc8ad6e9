"""Exports in, validated rows out: read → map columns → validate → reject → load.

======== ============ ==========================================================================
step     module       what
======== ============ ==========================================================================
find     `files`      which files are meant; their content, bounded
read     `delimited`  CSV → `sheet.Sheet`: text with line numbers
read     `workbook`   XLSX → the same
read     `parquet`    Parquet → the same
map      `mapping`    which table, which column; `special` refuses special categories
validate `convert`    text → values; `validate` judges rows; `keys` settles repeated keys
reject   `reject`     bad rows → data/rejected/
load     `importer`   all of the above in order, then the store; returns a `report.ImportReport`
======== ============ ==========================================================================
"""

from pipeline.ingest.importer import import_files
from pipeline.ingest.report import ImportReport, ReasonCount

__all__ = ["ImportReport", "ReasonCount", "import_files"]
