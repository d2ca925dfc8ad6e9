"""What a form holds before it is drawn: rows, lists, identity; nothing about its looks."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from pipeline.form_layout import FormColumn, FormLayout

Value = str | float | int | dt.date | None
FormRow = dict[str, Value]


@dataclass(frozen=True)
class FormContent:
    """A form before it is drawn.

    Attributes
    ----------
    layout
        Which sort of form.
    columns
        Columns of each sheet, by its name; some hold what this session alone has.
    rows
        Rows that are filled in already, by sheet.
    lists
        What can be chosen in this session, by list.
    identity
        Which session, pack and data the form belongs to.
    instructions
        Paragraphs of the first sheet.
    n_cases
        Rows that are on the agenda; they come first.
    """

    layout: FormLayout
    columns: dict[str, tuple[FormColumn, ...]]
    rows: dict[str, list[FormRow]]
    lists: dict[str, list[Value]]
    identity: dict[str, str]
    instructions: tuple[str, ...]
    n_cases: int = 0
