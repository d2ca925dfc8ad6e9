"""From an executed notebook to a page: what is kept, what is dropped, what is refused."""

from __future__ import annotations

import hashlib
import re

import nbformat
import pytest

from pipeline.pack.html import BrokenNotebook, to_html
from pipeline.pack.page import FACTS_MIME, SECTION_MIME, css_text, notebook_style, policy

from .conftest import MakePack, executed


def notebook(*outputs: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a notebook of one cell with these outputs."""
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=list(outputs))])


def shown(data: dict[str, object]) -> nbformat.NotebookNode:
    """Return an output that shows something."""
    return nbformat.v4.new_output("display_data", data)


SECTION = shown({"text/html": "<p>ours</p>", SECTION_MIME: {"anchor": "a", "title": "A"}})


def test_only_our_sections_are_kept() -> None:
    """Foreign HTML, printed text, images and inputs never reach a pack."""
    page = to_html(
        notebook(
            SECTION,
            shown({"text/html": "<script>foreign()</script>"}),
            shown({"image/png": "aWdub3Jl", "text/plain": "unseen"}),
            shown({"application/javascript": "alert(1)"}),
            nbformat.v4.new_output("stream", name="stdout", text="printed"),
            nbformat.v4.new_output("stream", name="stderr", text="warned"),
        ),
        title="T",
        language="en",
    )
    assert "<p>ours</p>" in page
    for text in ("foreign", "aWdub3Jl", "alert", "printed", "warned", "unseen"):
        assert text not in page


def test_markdown_cells_are_left_out() -> None:
    """The notebook's own remarks are for who opens the notebook."""
    made = notebook(SECTION)
    made.cells.append(nbformat.v4.new_markdown_cell("remark <b>bold</b>"))
    assert "remark" not in to_html(made, title="T", language="en")


def test_an_error_refuses_the_notebook_without_quoting_it() -> None:
    """A cell that failed makes no pack, and its text may hold personal data."""
    error = nbformat.v4.new_output(
        "error", ename="KeyError", evalue="'Jan Jansen'", traceback=["Jan Jansen"]
    )
    with pytest.raises(BrokenNotebook, match="KeyError") as found:
        to_html(notebook(SECTION, error), title="T", language="en")
    assert "Jansen" not in str(found.value)


def test_a_notebook_without_sections_is_refused() -> None:
    """An empty page is no pack."""
    with pytest.raises(BrokenNotebook):
        to_html(notebook(), title="T", language="en")


def test_the_title_is_escaped_everywhere() -> None:
    """Title, running header and style sheet survive a hostile department name."""
    name = 'R&D "Zuid" </style><script>x</script> \\22 '
    page = to_html(notebook(SECTION), title=name, language="nl")
    assert "<title>R&amp;D" in page
    assert page.count("</style>") == 1
    assert "<script>x" not in page


def test_css_text_holds_letters_and_code_points_only() -> None:
    """No character of a name can end the CSS string."""
    assert re.fullmatch(r'"(?:[A-Za-z0-9 ]|\\[0-9a-f]+ )*"', css_text('a"b\\c\n</style>é💥'))


def test_the_language_sets_the_few_words_of_the_page() -> None:
    """The page's own words follow the pack's language."""
    assert "Inhoud" in to_html(notebook(SECTION), title="T", language="nl")
    assert "Contents" in to_html(notebook(SECTION), title="T", language="en")


def test_a_pack_becomes_a_page_with_contents_and_without_facts(pack_of: MakePack) -> None:
    """Every part is in the table of contents; the runner's facts are not in the page."""
    pack = pack_of()
    made = executed(pack)
    page = to_html(made, title=pack.title, language="en")
    anchors = set(re.findall(r'<section class="cw section[^"]*" id="([^"]+)"', page))
    assert len(anchors) == 14
    for anchor in anchors:
        assert page.count(f'href="#{anchor}"') == 2  # wide and narrow
    assert FACTS_MIME not in page
    assert '"n_rated"' not in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_facts_are_plain_json_and_name_nobody(pack_of: MakePack) -> None:
    """The runner reads counts and warnings, no names."""
    facts = pack_of().facts()._repr_mimebundle_()[FACTS_MIME]
    assert set(facts) == {
        "title", "department", "warnings", "n_rated", "n_cases", "not_estimable",
    }  # fmt: skip
    assert "Persoon" not in repr(facts)


def test_in_jupyterlab_the_styles_are_limited_to_our_output(pack_of: MakePack) -> None:
    """The pack itself brings the styles for its parts; they are no part of the page."""
    pack = pack_of()
    bundle = pack._repr_mimebundle_()
    assert ".cw {" in bundle["text/html"]
    assert SECTION_MIME not in bundle
    assert "<" not in str(notebook_style())[7:-8].replace("</style>", "")


def test_the_policy_names_the_hash() -> None:
    """The hash is of the exact text between the tags."""
    digest = hashlib.sha256(b"p{}").digest()
    import base64

    assert base64.b64encode(digest).decode() in policy("p{}")
