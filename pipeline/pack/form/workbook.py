"""How a form looks: an XLSX file with locked cells, lists to choose from, marked gaps.

Texts from data are always kept as texts: nothing in the file is a formula that a spreadsheet would
compute, but for the rules that colour what is missing. Equal content gives equal bytes.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from dataclasses import dataclass

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.styles.numbers import FORMAT_TEXT
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from pipeline.errors import Message, msg
from pipeline.form_layout import (
    HEADING_ROW,
    IDENTITY,
    INSTRUCTIONS,
    FormColumn,
    FormSheet,
    Needed,
)
from pipeline.locale import Language
from pipeline.pack.form.model import FormContent, Value
from pipeline.pack.wording import shorten

_FIRST = HEADING_ROW + 1
_MOST_LISTED = 60
"""With more scale points than this, a score is checked against the ends of the scale."""
_BEFORE_ANY_DATA = dt.datetime(2000, 1, 1)

_INK, _QUIET, _LINE = "1F2933", "52606D", "C7CFD6"
_HEAD = PatternFill("solid", fgColor="DCE6EC")
_FIXED = PatternFill("solid", fgColor="F0F2F4")
_MISSING = PatternFill("solid", bgColor="F9D7A8")
_EDGE = Border(*(Side("thin", color=_LINE) for _ in range(4)))
_OPEN, _CLOSED = Protection(locked=False), Protection(locked=True)
_AT_TOP = Alignment(vertical="top", wrap_text=True)
_NUMBER = Alignment(vertical="top", horizontal="center", wrap_text=True)
_LINE_HEIGHT, _HEADING_LINES, _LEAST_LINES, _MOST_LINES = 15, 4, 2, 26
"""In points; how many lines there are at least to write on, and at most in a row of Excel."""


def form_bytes(content: FormContent, language: Language, loaded_at: dt.datetime | None) -> bytes:
    """Return the workbook of a form.

    Parameters
    ----------
    content
        What it holds.
    language
        Of its titles and lists.
    loaded_at
        When the data were loaded, which is the date of the file: it does not depend on the clock.
    """
    return _Writer(content, language, loaded_at or _BEFORE_ANY_DATA).bytes()


@dataclass(frozen=True)
class _Span:
    """The rows of a sheet: filled in already, and empty ones after them."""

    filled: int
    empty: int

    @property
    def last(self) -> int:
        return _FIRST + self.filled + self.empty - 1


class _Writer:
    def __init__(self, content: FormContent, language: Language, moment: dt.datetime) -> None:
        self._content, self._language, self._moment = content, language, moment
        self._layout = content.layout
        self._book = Workbook()
        self._spans = {
            sheet.name: _Span(len(content.rows[sheet.name]), sheet.n_empty)
            for sheet in self._layout.sheets
        }

    def bytes(self) -> bytes:
        self._instructions(self._book.worksheets[0])
        for sheet in self._layout.sheets:
            self._sheet(sheet)
        self._identity()
        about = self._book.properties
        about.creator = "Calibration Workbench"
        about.title = self._say(self._layout.title)
        about.created = self._moment
        raw = io.BytesIO()
        self._book.save(raw)
        return _without_clock(raw.getvalue())

    # sheets ----------------------------------------------------------------------------------

    def _instructions(self, page: Worksheet) -> None:
        page.title = self._say(INSTRUCTIONS)
        page.column_dimensions["A"].width = 100
        title = f"{self._say(self._layout.title)} · {self._content.identity['department']}"
        _write(page.cell(1, 1), title).font = _font(bold=True, size=16)
        cycle = f"{self._content.identity['cycle']} · {self._content.identity['session_id']}"
        _write(page.cell(2, 1), cycle).font = _font(color=_QUIET)
        for number, text in enumerate(self._content.instructions):
            cell = _write(page.cell(4 + number, 1), text)
            cell.alignment = _AT_TOP
            page.row_dimensions[4 + number].height = _height(1 + len(text) // 100) + 7
        page.sheet_view.showGridLines = False
        self._finish(page, repeat=False)

    def _sheet(self, sheet: FormSheet) -> None:
        page = self._book.create_sheet(self._say(sheet.title))
        columns, span = self._content.columns[sheet.name], self._spans[sheet.name]
        _write(page.cell(1, 1), self._say(sheet.purpose)).font = _font(italic=True, color=_QUIET)
        for row in range(_FIRST, span.last + 1):
            filled = row - _FIRST < span.filled
            given = self._content.rows[sheet.name][row - _FIRST] if filled else {}
            lines = [_lines(given.get(column.name), column.width) for column in columns]
            page.row_dimensions[row].height = _height(max(_LEAST_LINES, *lines))
        for at, column in enumerate(columns, 1):
            self._heading(page, at, self._say(column.title))
            page.column_dimensions[get_column_letter(at)].width = column.width
            for row in range(_FIRST, span.last + 1):
                number = row - _FIRST
                filled = number < span.filled
                value = self._content.rows[sheet.name][number].get(column.name) if filled else None
                self._cell(page.cell(row, at), column, value, filled)
            self._restrict(page, column, at, span)
            self._mark_missing(page, columns, at, span)
        if sheet.awaited:
            self._mark_awaited(page, columns, sheet.awaited)
        if sheet.kept:
            page.row_dimensions[HEADING_ROW].height = _height(_HEADING_LINES)
            last = max(_FIRST, span.last)
            page.auto_filter.ref = f"A{HEADING_ROW}:{get_column_letter(len(columns))}{last}"
        page.freeze_panes = page.cell(_FIRST, 1 + sheet.kept)
        self._finish(page, repeat=True)

    def _identity(self) -> None:
        page = self._book.create_sheet(self._say(IDENTITY))
        purpose = msg("For the computer that reads this form; leave it as it is.")
        _write(page.cell(1, 1), self._say(purpose)).font = _font(italic=True, color=_QUIET)
        for at, width in ((1, 18), (2, 44), (3, 44), (4, 4)):
            page.column_dimensions[get_column_letter(at)].width = width
        for at, title in enumerate((msg("Name"), msg("Value"), msg("Meaning")), 1):
            self._heading(page, at, self._say(title))
        for number, (name, meaning) in enumerate(self._layout.identity.items()):
            for at, text in enumerate(
                (name, self._content.identity[name], self._say(meaning)), start=1
            ):
                _write(page.cell(_FIRST + number, at), text).alignment = _AT_TOP
        for name, title in self._layout.lists.items():
            column = self._list_column(name)
            self._heading(page, column, self._say(title))
            page.column_dimensions[get_column_letter(column)].width = 26
            for number, value in enumerate(self._content.lists[name]):
                _write(page.cell(_FIRST + number, column), value)
        self._finish(page, repeat=True)

    # parts of a sheet ------------------------------------------------------------------------

    def _heading(self, page: Worksheet, at: int, title: str) -> None:
        cell = _write(page.cell(HEADING_ROW, at), title)
        cell.font, cell.fill, cell.border = _font(bold=True), _HEAD, _EDGE
        cell.alignment = _AT_TOP

    def _cell(self, cell: Cell, column: FormColumn, value: Value, filled: bool) -> None:
        _write(cell, value)
        fixed = column.locked and (filled or not column.listed)
        cell.protection = _CLOSED if fixed else _OPEN
        cell.border = _EDGE
        cell.alignment = _AT_TOP if column.kind in ("text", "date") else _NUMBER
        if column.kind == "text":
            # what is typed or chosen stays a text too: "- called back", or a name like a formula
            cell.number_format = FORMAT_TEXT
        if fixed:
            cell.fill = _FIXED
        if column.kind == "date":
            cell.number_format = "yyyy-mm-dd" if self._language.code == "en" else "dd-mm-yyyy"

    def _restrict(self, page: Worksheet, column: FormColumn, at: int, span: _Span) -> None:
        """Let only what makes sense be entered."""
        rule = self._rule(column)
        if rule is None:
            return
        # the names of the decisions are chosen in the empty rows only
        first = _FIRST + span.filled if column.locked else _FIRST
        if first > span.last:
            return
        rule.allow_blank = True
        rule.showErrorMessage = True
        rule.errorStyle = "stop" if column.only_listed else "information"
        rule.errorTitle = self._say(column.title)[:31]
        rule.error = self._say(
            msg("Choose from the list, or leave the cell empty.")
            if rule.type == "list"
            else msg("This is not what belongs in this cell.")
        )
        letter = get_column_letter(at)
        rule.add(f"{letter}{first}:{letter}{span.last}")
        page.add_data_validation(rule)

    def _rule(self, column: FormColumn) -> DataValidation | None:
        if column.choices:
            words = ",".join(self._say(word) for word in column.choices.values())
            return DataValidation(type="list", formula1=f'"{words}"')
        points = self._content.lists.get(column.listed, [])
        if column.kind == "score" and len(points) > _MOST_LISTED:
            return DataValidation(
                type="decimal", operator="between", formula1=points[0], formula2=points[-1]
            )
        if column.listed:
            return DataValidation(type="list", formula1=self._source(column.listed))
        if column.kind == "whole":
            return DataValidation(type="whole", operator="between", formula1=0, formula2=600)
        if column.kind == "date":
            earliest = (dt.date(2000, 1, 1) - dt.date(1899, 12, 30)).days
            return DataValidation(
                type="date", operator="greaterThanOrEqual", formula1=str(earliest)
            )
        return None

    def _source(self, name: str) -> str:
        """Return the address of a list of this session."""
        if name not in self._layout.sheet_lists:
            letter = get_column_letter(self._list_column(name))
            end = max(_FIRST, _FIRST + len(self._content.lists[name]) - 1)
            title = quote_sheetname(self._say(IDENTITY))
            return f"{title}!${letter}${_FIRST}:${letter}${end}"
        at, column = self._layout.sheet_lists[name]
        sheet = next(one for one in self._layout.sheets if one.name == at)
        locked = next(one.locked for one in sheet.columns if one.name == column)
        span = self._spans[at]
        # what is filled in is chosen from; empty rows too where somebody may add to them
        end = max(_FIRST, _FIRST + span.filled - 1 if locked else span.last)
        letter = self._letter_among(self._content.columns[at], column)
        return f"{quote_sheetname(self._say(sheet.title))}!${letter}${_FIRST}:${letter}${end}"

    def _mark_missing(
        self, page: Worksheet, columns: tuple[FormColumn, ...], at: int, span: _Span
    ) -> None:
        """Colour what may not stay empty."""
        column = columns[at - 1]
        if column.needed is None or span.last < _FIRST:
            return
        own, letter = get_column_letter(at), self._letter_among(columns, column.needed.column)
        told = f"${letter}{_FIRST}"
        when = f"LEN(TRIM({told}))>0"
        if column.needed.choice is not None:
            when = f'{told}="{self._word(columns, column.needed)}"'
        rule = FormulaRule([f"AND({when},LEN(TRIM(${own}{_FIRST}))=0)"], fill=_MISSING)
        page.conditional_formatting.add(f"{own}{_FIRST}:{own}{span.last}", rule)

    def _mark_awaited(self, page: Worksheet, columns: tuple[FormColumn, ...], awaited: str) -> None:
        """Colour what the cases of the agenda still wait for."""
        if self._content.n_cases:
            letter = self._letter_among(columns, awaited)
            last = _FIRST + self._content.n_cases - 1
            rule = FormulaRule([f"LEN(TRIM(${letter}{_FIRST}))=0"], fill=_MISSING)
            page.conditional_formatting.add(f"{letter}{_FIRST}:{letter}{last}", rule)

    def _finish(self, page: Worksheet, *, repeat: bool) -> None:
        """Protect a sheet (without a password: it guards against slips) and set up its print."""
        guard = page.protection
        guard.sheet = True
        guard.formatColumns = guard.formatRows = guard.autoFilter = guard.sort = False
        page.page_setup.orientation, page.page_setup.paperSize = "landscape", "9"
        page.page_setup.fitToWidth, page.page_setup.fitToHeight = 1, 0
        page.sheet_properties.pageSetUpPr.fitToPage = True
        page.page_margins.left = page.page_margins.right = 0.4
        page.page_margins.top, page.page_margins.bottom = 0.5, 0.8
        if repeat:
            page.print_title_rows = f"{HEADING_ROW}:{HEADING_ROW}"
        whose = f"{self._content.identity['department']} · {self._content.identity['session_id']}"
        # cut before signs are doubled, or half a pair would be a code; 255 in all
        page.oddFooter.left.text = shorten(_plain(whose), 90).replace("&", "&&")
        page.oddFooter.center.text = self._say(msg("Confidential"))
        page.oddFooter.right.text = "&P / &N"

    # words and addresses ---------------------------------------------------------------------

    def _say(self, message: Message) -> str:
        return self._language.say(message)

    def _word(self, columns: tuple[FormColumn, ...], needed: Needed) -> str:
        choices = next(one for one in columns if one.name == needed.column).choices
        return self._say(choices[str(needed.choice)])

    def _letter_among(self, columns: tuple[FormColumn, ...], name: str) -> str:
        return str(get_column_letter([column.name for column in columns].index(name) + 1))

    def _list_column(self, name: str) -> int:
        return 5 + list(self._layout.lists).index(name)


def _height(lines: int) -> int:
    return _LINE_HEIGHT * min(lines, _MOST_LINES)


def _lines(value: Value, width: int) -> int:
    return 1 + len(value) // width if isinstance(value, str) else 1


def _font(*, bold: bool = False, italic: bool = False, size: int = 11, color: str = _INK) -> Font:
    return Font(name="Calibri", bold=bold, italic=italic, size=size, color=color)


_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _plain(text: str) -> str:
    """Drop what the XML of a workbook cannot hold: a spreadsheet would refuse the whole file."""
    return _NOT_IN_XML.sub("", text)


def _write(cell: Cell, value: Value) -> Cell:
    """Fill a cell; a text stays a text, whatever it begins with."""
    if isinstance(value, str):
        cell.value = _plain(value)
        cell.data_type = "s"  # not "f": "=1+1" is no formula here, nor "#N/A" an error
        cell.quotePrefix = value[:1] in ("=", "+", "-", "@", "\t", "\r")
    else:
        cell.value = value
    return cell


_CLOCK = re.compile(rb"<dcterms:modified.*?</dcterms:modified>")
_SAME_DAY = (1980, 1, 1, 0, 0, 0)


def _without_clock(raw: bytes) -> bytes:
    """Take the moment of writing out of a workbook, so that equal content gives equal bytes."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(raw)) as source,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            data = source.read(name)
            if name == "docProps/core.xml":
                data = _CLOCK.sub(b"", data)
            target.writestr(zipfile.ZipInfo(name, _SAME_DAY), data, zipfile.ZIP_DEFLATED)
    return made.getvalue()
