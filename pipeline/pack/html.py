"""From sections to one HTML file: trust only what this package made.

A section shown in a notebook carries two kinds of output: its HTML, and a private kind that marks
it as ours. `to_html` keeps outputs with that mark and drops everything else (printed text, foreign
HTML, images, cell inputs), so nothing reaches a pack that was not escaped in `page`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jinja2
from markupsafe import Markup
from nbconvert.exporters import TemplateExporter
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from traitlets.config import Config

from pipeline.errors import EXIT_SOME_FAILED, Message, WorkbenchError, msg
from pipeline.locale import Language
from pipeline.pack.page import (
    PAGES_MIME,
    SECTION_MIME,
    TEMPLATE,
    TEMPLATES,
    Section,
    environment,
    page_script,
    page_style,
    policy,
)
from pipeline.pack.wording import PAGE

_STYLES = {"cards": ("card",)}
"""Style sheets of pages for one person, by folder, beside what every page has."""


class BrokenNotebook(WorkbenchError):
    """An executed notebook that holds an error, or nothing of a pack."""

    exit_code = EXIT_SOME_FAILED


class OnlySections(Preprocessor):
    """Keep the outputs that this package made; refuse a notebook with an error in it."""

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Collect the sections of a notebook."""
        found: list[Section] = []
        for number, cell in enumerate(nb.cells, 1):
            if cell.cell_type != "code":
                continue
            for output in cell.get("outputs", ()):
                if output.output_type == "error":
                    raise BrokenNotebook(
                        msg(
                            "Cell {number} of the notebook ended with {kind}; no pack was made.",
                            number=number,
                            kind=str(output.get("ename", "")),
                        )
                    )
                data = output.get("data", {})
                mark = data.get(SECTION_MIME)
                html = data.get("text/html")
                if mark is not None and html is not None:
                    text = html if isinstance(html, str) else "".join(html)
                    # ours: rendered with autoescape by `render_section`
                    found.append(Section(mark["anchor"], mark["title"], Markup(text)))
        if not found:
            raise BrokenNotebook(msg("The notebook shows no part of a pack; no pack was made."))
        resources["sections"] = found
        return nb, resources


class PackExporter(TemplateExporter):
    """nbconvert exporter with the template of this package and nothing of the default ones."""

    def __init__(self) -> None:
        config = Config({"TemplateExporter": {"extra_template_basedirs": [str(TEMPLATES)]}})
        super().__init__(config=config)  # type: ignore[no-untyped-call]  # nbconvert is untyped
        self.register_preprocessor(OnlySections, enabled=True)  # type: ignore[no-untyped-call]

    def _template_name_default(self) -> str:
        return TEMPLATE

    def _file_extension_default(self) -> str:
        return ".html"

    @property
    def default_config(self) -> Config:
        """No preprocessor but our own."""
        return Config({"PackExporter": {"default_preprocessors": []}})

    def _create_environment(self) -> jinja2.Environment:
        made: jinja2.Environment = super()._create_environment()  # type: ignore[no-untyped-call]  # nbconvert is untyped
        made.autoescape = True
        return made


@lru_cache
def _exporter() -> PackExporter:
    return PackExporter()  # making one takes longer than a conversion


def to_html(notebook: NotebookNode, *, title: str, language: Language | str) -> str:
    """Turn an executed notebook into one HTML file.

    Parameters
    ----------
    notebook
        Executed; its sections become the page, everything else is left out.
    title
        Title of the page and running header on paper.
    language
        Language of the page, for its own few words.

    Returns
    -------
    str
        The whole page.

    Raises
    ------
    BrokenNotebook
        A cell ended with an error, or there is no section at all.
    """
    spoken = Language(language) if isinstance(language, str) else language
    resources = _frame(title, spoken, page_script())
    page, _ = _exporter().from_notebook_node(notebook, resources=resources)
    return str(page)


def pages_of(notebook: NotebookNode, *, language: str) -> dict[tuple[str, str], str]:
    """Return the pages for one person each of an executed notebook, by folder and reader."""
    found: dict[tuple[str, str], str] = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            for one in output.get("data", {}).get(PAGES_MIME, ()):
                # ours: rendered with autoescape by `render_section`
                sections = [Section(a, t, Markup(h)) for a, t, h in one["sections"]]
                styles = _STYLES.get(one["folder"], ())
                found[one["folder"], one["reader"]] = whole_page(
                    one["title"], sections, Language(language), styles=styles
                )
    return found


def whole_page(
    title: str,
    sections: list[Section],
    spoken: Language,
    *,
    styles: tuple[str, ...] = (),
    aside: Message = PAGE["confidential"],
) -> str:
    """Return a page without a script, made of these parts.

    Parameters
    ----------
    title, sections
        What the page is called, and its parts.
    spoken
        Language of the page, for its own few words.
    styles
        Style sheets beside what every page has.
    aside
        What stands at the top of each page on paper.
    """
    resources = _frame(title, spoken, styles=styles, aside=aside) | {"sections": sections}
    return environment().get_template("index.html.j2").render(resources=resources)


def _frame(
    title: str,
    spoken: Language,
    script: str = "",
    styles: tuple[str, ...] = (),
    aside: Message = PAGE["confidential"],
) -> dict[str, Any]:
    words = {name: spoken.say(text) for name, text in PAGE.items()}
    style = page_style(title, spoken.say(aside), *styles)
    return {
        "page": {
            "title": title,
            "language": spoken.code,
            "style": style,
            "script": script,
            "policy": policy(style, script),
            "words": words,
        }
    }
