"""The decision form: what it holds, that it locks the present, and that it can be read again."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from xml.etree import ElementTree

import openpyxl
import pandas as pd
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from pipeline.decision_form import (
    ATTENDANCE,
    DECISION_FORM,
    DECISIONS,
    NOW,
    OUTCOME_WORDS,
    now_title,
)
from pipeline.form_layout import (
    HEADING_ROW,
    IDENTITY,
    INSTRUCTIONS,
    choice_called,
    column_called,
    sheet_called,
)
from pipeline.locale import LANGUAGES, Language
from pipeline.pack import Pack
from pipeline.pack.form.content import form_content
from pipeline.settings import Settings
from pipeline.store import SessionData

from .conftest import MakePack, Shape, page_of, session_data

FIRST = HEADING_ROW + 1


@pytest.fixture(autouse=True)
def _quick_version(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the rest of the pack, which the version is computed from, where it is not asked."""
    if "belongs_to" not in request.node.name:
        monkeypatch.setattr(Pack, "version", "v")


def book_of(pack: Pack) -> openpyxl.Workbook:
    """Open the form of a pack as a spreadsheet would."""
    form = pack.form().form
    assert form is not None
    return openpyxl.load_workbook(io.BytesIO(form))


def sheet(book: openpyxl.Workbook, name: str, language: str = "en") -> Worksheet:
    """Return a sheet by its name in the layout."""
    title = next(one.title for one in DECISION_FORM.sheets if one.name == name)
    return book[Language(language).say(title)]


def column(page: Worksheet, title: str) -> int:
    """Return the position of a column by its heading."""
    return [cell.value for cell in page[HEADING_ROW]].index(title) + 1


def values(page: Worksheet, title: str) -> list[object]:
    """Return a column of a sheet, without its empty end."""
    at = column(page, title)
    found = [page.cell(row, at).value for row in range(FIRST, page.max_row + 1)]
    while found and found[-1] is None:
        found.pop()
    return found


def with_scores_of(person: str) -> SessionData:
    """Return a session in which one of the raters is rated too."""
    data = session_data()
    row = data.ratings.iloc[[0]].assign(employee_id=person, subject_id=person, rater_id="r00001")
    return replace(data, ratings=table_of(data, row))


def table_of(data: SessionData, row: pd.DataFrame) -> pd.DataFrame:
    """Append a rating."""
    return pd.concat([data.ratings, row], ignore_index=True)


def test_cases_come_first_and_everybody_else_follows(pack_of: MakePack) -> None:
    """A row per case in the order of the agenda, then one per other rated person; nobody twice."""
    pack = pack_of()
    page = sheet(book_of(pack), "decisions")
    subjects = values(page, "Number")
    cases = [case.subject_id for case in pack.context.plan.cases]
    assert subjects[: len(cases)] == cases
    assert sorted(subjects) == sorted(set(pack.context.data.ratings["subject_id"]))


def test_the_scores_of_now_are_those_of_the_ratings(pack_of: MakePack) -> None:
    """The mean over raters, per criterion."""
    pack = pack_of()
    page = sheet(book_of(pack), "decisions")
    ratings = pack.context.data.ratings
    means = ratings[ratings["criterion_id"].eq("c2")].groupby("subject_id")["score"].mean()
    shown = dict(zip(values(page, "Number"), values(page, "Now: Criterion c2"), strict=True))
    assert shown == pytest.approx(means.round(2).to_dict())


def test_what_was_before_is_locked_and_what_is_decided_is_open(pack_of: MakePack) -> None:
    """Every sheet is protected; scores of now cannot be typed over, outcomes can be chosen."""
    book = book_of(pack_of())
    assert all(page.protection.sheet for page in book.worksheets)
    assert all(page.protection.password is None for page in book.worksheets)
    page = sheet(book, "decisions")
    for row in (FIRST, page.max_row):
        assert page.cell(row, column(page, "Now: overall")).protection.locked
        assert not page.cell(row, column(page, "Outcome")).protection.locked
    # an empty row is for another decision about somebody, so its name is chosen
    assert page.cell(FIRST, column(page, "Who or what")).protection.locked
    assert not page.cell(page.max_row, column(page, "Who or what")).protection.locked


def test_nothing_is_hidden(pack_of: MakePack) -> None:
    """No hidden sheet, row or column: what the computer reads, a person can read."""
    for page in book_of(pack_of()).worksheets:
        assert page.sheet_state == "visible"
        assert not any(one.hidden for one in page.column_dimensions.values())
        assert not any(one.hidden for one in page.row_dimensions.values())


def test_lists_hold_the_scale_the_criteria_and_who_is_there(pack_of: MakePack) -> None:
    """A dropdown for what has a list; the cells that it points at hold what can be chosen."""
    book = book_of(pack_of())
    page = sheet(book, "decisions")
    found = {}
    for rule in page.data_validations.dataValidation:
        (cells,) = rule.sqref.ranges
        at = cells.min_col
        found[page.cell(HEADING_ROW, at).value] = rule
    assert found["Outcome"].formula1 == '"upheld,adjusted,parked"'
    for title, expected in (
        ("Score after the session", [1, 2, 3, 4, 5]),
        ("Decision about", ["overall", "Criterion c1", "Criterion c2", "Criterion c3"]),
    ):
        where, _, cells = found[title].formula1.rpartition("!")
        listed = book[where.strip("'")][cells.replace("$", "")]
        assert [row[0].value for row in listed] == expected
    where, _, cells = found["Decided by"].formula1.rpartition("!")
    assert where.strip("'") == "Attendance"
    assert "Beoordelaar 0" in [row[0].value for row in book["Attendance"][cells.replace("$", "")]]


def test_what_is_missing_is_marked(pack_of: MakePack) -> None:
    """An argument for every outcome; a new score where the outcome says it was adjusted."""
    page = sheet(book_of(pack_of()), "decisions")
    letters = {cell.value: cell.column_letter for cell in page[HEADING_ROW]}
    rules = {
        str(where.sqref).split(":")[0].rstrip("0123456789"): rule.formula[0]
        for where in page.conditional_formatting
        for rule in where.rules
    }
    outcome, argument = letters["Outcome"], letters["Argument"]
    assert rules[argument] == f"AND(LEN(TRIM(${outcome}3))>0,LEN(TRIM(${argument}3))=0)"
    after = letters["Score after the session"]
    assert rules[after] == f'AND(${outcome}3="adjusted",LEN(TRIM(${after}3))=0)'


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_form_can_be_read_again(pack_of: MakePack, language: str) -> None:
    """From every title back to its name, whatever the language; nothing is ambiguous."""
    pack = pack_of(language=language)
    book, say = book_of(pack), Language(language).say
    first, *filled, last = book.sheetnames
    assert (first, last) == (say(INSTRUCTIONS), say(IDENTITY))
    assert [sheet_called(DECISION_FORM.sheets, title) for title in filled] == list(
        DECISION_FORM.sheets
    )
    now = [cell.value for cell in book[filled[0]][HEADING_ROW] if cell.value]
    criteria = [say(now_title(pack.context.criterion(one))) for one in ("c1", "c2", "c3")]
    assert set(criteria) < set(now)
    for one, title in zip(DECISION_FORM.sheets[1:], filled[1:], strict=True):
        headings = [cell.value for cell in book[title][HEADING_ROW]]
        assert [column_called(one, heading) for heading in headings] == list(one.columns)
    for value, word in OUTCOME_WORDS.items():
        assert choice_called(OUTCOME_WORDS, say(word)) == value


def test_titles_are_within_what_a_spreadsheet_allows() -> None:
    """At most 31 characters, no signs that a sheet name may not have, no two alike."""
    for code in LANGUAGES:
        titles = [Language(code).say(one.title) for one in DECISION_FORM.sheets]
        titles += [Language(code).say(one) for one in (INSTRUCTIONS, IDENTITY)]
        assert len({title.lower() for title in titles}) == len(titles)
        assert all(len(title) <= 31 and not set(title) & set("[]:*?/\\'") for title in titles)


def test_the_form_says_what_it_belongs_to(pack_of: MakePack) -> None:
    """Session, versions and a mark of the scores, in plain cells; the page names the version."""
    pack = pack_of()
    page = book_of(pack)["About this form"]
    known = {row[0].value: row[1].value for row in page.iter_rows(min_row=FIRST) if row[0].value}
    assert known["form"] == "calibration-decision-form"
    assert known["session_id"] == "2026-zuid"
    assert known["pack_version"] == pack.version
    assert pack.version in page_of(pack)


def test_another_score_gives_another_mark(pack_of: MakePack) -> None:
    """So a form made for older scores is recognised."""
    data = session_data()
    changed = data.ratings.copy()
    changed.loc[0, "score"] = 6 - changed.loc[0, "score"]
    marks = {
        form_content(pack_of(one).context, "v").identity["scores"]
        for one in (data, replace(data, ratings=changed))
    }
    assert len(marks) == 2


def test_the_same_session_gives_the_same_bytes(pack_of: MakePack) -> None:
    """The clock is not in the file, so an unchanged form is recognised as such."""
    data = session_data()
    assert pack_of(data).form().form == pack_of(data).form().form


def test_who_takes_part_has_no_row(pack_of: MakePack) -> None:
    """The room reads the form; the first sheet says that these are recorded elsewhere."""
    pack = pack_of(with_scores_of("r00000"))
    book = book_of(pack)
    assert "r00000" not in values(sheet(book, "decisions"), "Number")
    assert "r00000" in values(sheet(book, ATTENDANCE.name), "Number")
    told = " ".join(str(row[0].value) for row in book["Read first"].iter_rows())
    assert "Decisions about people who take part are not in this form." in told


@pytest.mark.parametrize(("audience", "viewer"), [("organisation", None), ("manager", "r00000")])
def test_only_the_room_has_a_form(pack_of: MakePack, audience: str, viewer: str | None) -> None:
    """Named scores of everybody are for the room alone."""
    pack = pack_of(audience=audience, viewer_id=viewer)
    assert pack.form().form is None
    assert "decision-form.xlsx" not in page_of(pack)


@pytest.mark.parametrize("text", ["=1+1", "+SUM(A1)", "@x", "#N/A", "-2", "a\x07b", "x" * 40_000])
def test_texts_from_data_stay_texts(pack_of: MakePack, text: str) -> None:
    """No formula, no error value, no sign that a workbook cannot hold, no cell that overflows."""
    data = session_data()
    people = data.people.copy()
    people.loc[0, "name"] = text
    session = replace(data.session, department=text[:300])
    page = sheet(book_of(pack_of(replace(data, people=people, session=session))), "decisions")
    at = values(page, "Number").index("p00000")
    cell = page.cell(FIRST + at, column(page, "Who or what"))
    assert cell.data_type == "s"
    assert str(cell.value)[:3] == text.replace("\x07", "")[:3]
    assert not [c for row in page.iter_rows() for c in row if c.data_type in ("f", "e")]


HOSTILE = {
    "control": "a\x00\x01\x0bb\x1f\x7f\x85\ufdd0\ufffe\uffff",
    "codes": "&D&P&Z&F " * 20,
    "markup": "</t></si><script>&lt;]]>",
    "formula": "=cmd|' /C calc'!A0",
    "command": "\t=1+1\r\n@SUM(A1)",
    "right to left": "\u202eשלום \u2066مرحبا",
    "emoji": "👩‍👩‍👧‍👦" * 60,
    "long": "w" * 50_000,
    "sheet": "[x]:*?/\\'" * 9,
}


def with_everywhere(text: str) -> SessionData:
    """Return a session with a text in each place that the form takes text from."""
    data = session_data()

    def texts(rows: pd.DataFrame) -> pd.Series:
        return pd.Series([text] * len(rows), dtype="str")

    return replace(
        data,
        session=replace(data.session, department=text, session_id=text[:200], cycle=text[:200]),
        people=data.people.assign(name=texts(data.people)),
        employees=data.employees.assign(job_level=texts(data.employees)),
        criteria=data.criteria.assign(label_en=texts(data.criteria)),
    )


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_spreadsheet_finds_nothing_to_repair(pack_of: MakePack, text: str) -> None:
    """Every limit of the file format holds, whatever is in the data."""
    form = pack_of(with_everywhere(text)).form().form
    assert form is not None
    with zipfile.ZipFile(io.BytesIO(form)) as parts:
        xml = {name: ElementTree.fromstring(parts.read(name)) for name in parts.namelist()}
    every = [(one.tag.rpartition("}")[2], one) for tree in xml.values() for one in tree.iter()]
    said = {tag: [one.text or "" for name, one in every if name == tag] for tag, _ in every}
    assert "f" not in said
    assert max(len(one) for one in said["t"]) <= 32_767
    assert max(len(one) for one in said["formula1"]) <= 255
    assert max(len(one) for one in said["oddFooter"]) <= 255
    rows = [float(one.get("ht", 0)) for name, one in every if name == "row"]
    assert max(rows) <= 409
    sheets = [one.get("name", "") for name, one in every if name == "sheet"]
    assert all(len(one) <= 31 and not set(one) & set("[]:*?/\\") for one in sheets)
    names = [(one.get("name"), one.get("localSheetId")) for name, one in every
             if name == "definedName"]  # fmt: skip
    assert len(set(names)) == len(names)


def test_what_is_typed_in_a_text_cell_stays_text(pack_of: MakePack) -> None:
    """An argument may begin with a dash; a name that looks like a formula can be chosen."""
    page = sheet(book_of(pack_of()), "decisions")
    for title in ("Argument", "Decided by", "Decision about"):
        assert page.cell(FIRST, column(page, title)).number_format == "@"
    assert page.cell(FIRST, column(page, "Score after the session")).number_format == "General"


def test_it_says_how_an_overall_score_is_written(pack_of: MakePack) -> None:
    """The score of now can lie between two points; a new one is a point of the scale."""
    told = " ".join(str(row[0].value) for row in book_of(pack_of())["Read first"].iter_rows())
    assert "A new overall score is one point of the scale" in told
    whole = session_data()
    whole = replace(whole, ratings=whole.ratings.assign(score=3.0))
    told = " ".join(str(row[0].value) for row in book_of(pack_of(whole))["Read first"].iter_rows())
    assert "A new overall score" not in told


def test_criteria_with_one_name_are_told_apart(pack_of: MakePack) -> None:
    """Or a decision about one would be read as one about the other."""
    data = session_data()
    criteria = data.criteria.assign(label_en="Quality")
    page = sheet(book_of(pack_of(replace(data, criteria=criteria))), "decisions")
    headings = [str(cell.value) for cell in page[HEADING_ROW]]
    assert [one for one in headings if "Quality" in one] == [
        f"Now: Quality (c{i})" for i in (1, 2, 3)
    ]


def test_conversations_are_rows_too(pack_of: MakePack) -> None:
    """Where conversations are scored, a decision is about one of them."""
    pack = pack_of(Shape(kind="conversation"))
    page = sheet(book_of(pack), "decisions")
    assert set(values(page, "Number")) == set(pack.context.data.ratings["subject_id"])


def test_it_prints_on_a4_with_its_headings(pack_of: MakePack) -> None:
    """Landscape, as wide as the page, headings on every page and in sight when scrolling."""
    page = sheet(book_of(pack_of()), "decisions")
    assert (page.page_setup.orientation, str(page.page_setup.paperSize)) == ("landscape", "9")
    assert page.sheet_properties.pageSetUpPr.fitToPage
    assert page.print_title_rows == f"${HEADING_ROW}:${HEADING_ROW}"
    assert page.freeze_panes == f"C{FIRST}"


def test_a_session_without_ratings_has_a_form(pack_of: MakePack, settings: Settings) -> None:
    """Nothing to decide yet, but attendance and actions can be written down."""
    data = session_data()
    empty = replace(data, ratings=data.ratings.iloc[:0], self_ratings=data.self_ratings.iloc[:0])
    book = book_of(pack_of(empty))
    assert sheet(book, DECISIONS.name).max_row > HEADING_ROW
    assert not [one for one in values(sheet(book, DECISIONS.name), "Number") if NOW in str(one)]
