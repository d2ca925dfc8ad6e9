"""Text from data is shown as text, whatever is in it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest

from pipeline.decision_form import FORM_FILE
from pipeline.pack.page import page_script, policy
from pipeline.store.history import NORMS, parked_table

from .conftest import MakePack, Shape, page_of, session_data, table

HOSTILE = {
    "script": "<script>alert('x')</script>",
    "attribute": '" onmouseover="alert(1)" style=\'x\'',
    "template": "{{ 7 * 7 }} {% raw %} {0} {name}",
    "markdown": "# head **bold** [link](https://example.org) `code`",
    "closing": "</section></main></style><h1>Mine</h1><!--",
    "formula": '=HYPERLINK("http://example.org")',
    "mathtext": "$\\frac{1}{2}$ $unclosed",
    "right to left": "\u202eשלום مرحبا",
    "emoji": "👩‍👩‍👧‍👦 🚀 \U0001f9ff",
    "control": "a\x0bb\x0cc",
    "unseen": "\u200b\u200d\ufeff\u2028\u2029\ufffe\U000e0041",
    "return": "\r\n=1+1\t|a|b|",
    "entity": "&lt;b&gt; &amp;amp; &#60;script&#62;",
    "long": "word " * 10_000,
    "long without a space": "w" * 50_000,
}


class Elements(HTMLParser):
    """Collects every element with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.found.append((tag, dict(attrs)))


def elements(page: str) -> list[tuple[str, dict[str, str | None]]]:
    """Return every element of a page."""
    parser = Elements()
    parser.feed(page)
    return parser.found


def outline(page: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return elements and the names of their attributes: the page without its texts."""
    return [(tag, tuple(sorted(attributes))) for tag, attributes in elements(page)]


def filled(text: str) -> object:
    """Return session data with a text in every place that shows text."""
    data = session_data(Shape(n_people=12, n_raters=3))

    def everywhere(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
        return table.assign(
            **{name: pd.Series([text] * len(table), dtype="str") for name in columns}
        )

    return replace(
        data,
        session=replace(data.session, department=text[:500], theme=text[:500]),
        ratings=everywhere(data.ratings, "rationale"),
        employees=everywhere(data.employees, "job_family").assign(job_level=text[:500]),
        people=everywhere(data.people, "name"),
        criteria=everywhere(
            data.criteria, "label_nl", "label_en", "observable", "anchor_3_nl", "anchor_5_nl"
        ),
        goals=table(
            "goals",
            [
                {"goal_id": one, "owner_id": one, "text": text, "measure": text, "target": text}
                for one in data.employees["employee_id"]
            ],
        ),
        results=table(
            "results",
            [
                {"cycle": "2026", "employee_id": one, "metric": text[:500], "value": float(i)}
                for i, one in enumerate(data.employees["employee_id"])
            ],
        ),
        last_session=replace(data.session, session_id="before", department=text[:500]),
        last_actions=table(
            "actions",
            [
                {
                    "session_id": "before",
                    "owner_id": "r00000",
                    "kind": "training",
                    "text": text,
                    "measure": text,
                    "status": "open",
                }
            ],
        ),
        last_norms=table(
            "norms",
            [{"session_id": "before", "criterion_id": "c1", "job_level": text[:500], "text": text}],
        ),
        last_parked=parked_table([(text, "r00000", "2026-01-01")]),
        past_norms=pd.DataFrame(
            [["2025", text[:500], "c1", text[:500], text, 3, False]] * 10, columns=list(NORMS)
        ),
        cycle=everywhere(data.cycle, "what_counts", "what_does_not", "consequences"),
        participants=everywhere(data.participants, "personal_goal"),
        evidence=everywhere(data.evidence, "text"),
        opinions=everywhere(data.opinions, "note"),
    )


_CALM: dict[str, str] = {}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_text_from_data_adds_no_element_and_no_attribute(pack_of: MakePack, text: str) -> None:
    """A page has the same elements and attributes whether its texts are friendly or hostile."""
    calm = _CALM.get("page") or _CALM.setdefault("page", page_of(pack_of(filled("calm text"))))
    page = page_of(pack_of(filled(text)))
    assert outline(page) == outline(calm)
    assert len(page) < 3_000_000


def test_a_page_holds_no_foreign_script_no_style_and_no_outside_address(
    pack_of: MakePack,
) -> None:
    """The page stands alone: nothing is fetched, nothing but its own script runs."""
    page = page_of(pack_of(filled(HOSTILE["script"])))
    for tag, attributes in elements(page):
        assert tag not in {"iframe", "object", "embed", "form", "link", "base"}
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:image/")) or value == FORM_FILE
    # one script, the package's own; it is the end of the page
    assert [tag for tag, _ in elements(page)].count("script") == 1
    assert re.search(r"</script>\s*</body>\s*</html>\s*$", page)
    assert f"<script>{page_script()}</script>" in page
    without_data = re.sub(r'"data:[^"]*"', "", page)
    assert not re.search(
        r"(https?:)?//[a-z]", re.sub(r"<(style|script)>.*?</\1>", "", without_data, flags=re.DOTALL)
    )


def test_the_policy_allows_this_style_sheet_and_this_script_only(pack_of: MakePack) -> None:
    """The content security policy names the hashes of the one style and the one script."""
    page = page_of(pack_of(filled(HOSTILE["closing"])))
    styles = re.findall(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    assert len(styles) == 1
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    assert len(scripts) == 1
    found = dict(elements(page)[3][1])["content"]
    assert found == policy(styles[0], scripts[0])
    assert found is not None
    assert found.startswith("default-src 'none';")
    assert "unsafe" not in found
