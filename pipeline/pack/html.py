"""From sections to one HTML file: escape everything, trust only what this package made.

A section shown in a notebook carries two kinds of output: its HTML, and a private kind that marks
it as ours. `to_html` keeps outputs with that mark and drops everything else (printed text, foreign
HTML, images, cell inputs), so nothing reaches a pack that was not escaped here. The page has no
script, no outside address, no style attribute, and a content security policy that forbids them.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from nbconvert.exporters import TemplateExporter
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from traitlets.config import Config

from pipeline.errors import EXIT_SOME_FAILED, WorkbenchError, msg
from pipeline.locale import Language
from pipeline.pack.blocks import Block, Cover
from pipeline.pack.wording import PAGE

SECTION_MIME = "application/vnd.calibration.section+json"
FACTS_MIME = "application/vnd.calibration.facts+json"
TEMPLATES = Path(__file__).parent / "template"
_TEMPLATE = "calibration"
_FOLDER = TEMPLATES / _TEMPLATE


class BrokenNotebook(WorkbenchError):
    """An executed notebook that holds an error, or nothing of a pack."""

    exit_code = EXIT_SOME_FAILED


@dataclass(frozen=True)
class Section:
    """One part of a pack, ready to be shown.

    Attributes
    ----------
    anchor
        Name of the part in addresses within the page.
    title
        Heading; empty for the cover, which brings its own.
    html
        The whole part.
    """

    anchor: str
    title: str
    html: Markup

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        mark = {"anchor": self.anchor, "title": self.title}
        return {"text/html": str(self.html), SECTION_MIME: mark, "text/plain": self.title}


@lru_cache
def environment() -> jinja2.Environment:
    """Return the templates of this package; every plain text is escaped."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_section(anchor: str, title: str, blocks: list[Block] | tuple[Block, ...]) -> Section:
    """Make a section of its blocks."""
    template = environment().get_template("section.html.j2")
    html = template.render(anchor=anchor, title=title, blocks=tuple(blocks))
    return Section(anchor, title, Markup(html))  # rendered with autoescape


def render_cover(cover: Cover) -> Section:
    """Make the opening of a pack."""
    html = environment().get_template("cover.html.j2").render(cover=cover)
    return Section("cover", "", Markup(html))  # rendered with autoescape


@lru_cache
def _css(*names: str) -> str:
    text = "\n".join((_FOLDER / f"{name}.css").read_text(encoding="utf-8") for name in names)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.sub(r"\s*\n\s*", "\n", text).strip()


def notebook_style() -> Markup:
    """Return the styles for sections shown in JupyterLab, limited to those sections."""
    # own CSS; the values stand outside the nesting, since ":root" has no meaning inside it
    return Markup(f"<style>{_css('tokens')}\n.cw {{\n{_css('parts')}\n}}</style>")


def css_text(text: str) -> str:
    """Write a text as a CSS string in which every unusual character is a code point."""
    safe = "".join(
        c if (c.isascii() and c.isalnum()) or c == " " else f"\\{ord(c):x} " for c in text
    )
    return f'"{safe}"'


def page_style(header: str, aside: str) -> Markup:
    """Return the style sheet of a page with its running header on paper."""
    margins = (
        f"@page {{ @top-left {{ content: {css_text(header)} }}"
        f" @top-right {{ content: {css_text(aside)} }} }}\n"
        '@page:first { @top-left { content: "" } @top-right { content: "" } }'
    )
    return Markup(f"{_css('tokens', 'page', 'parts', 'paper')}\n{margins}")  # own CSS


def style_policy(style: str) -> str:
    """Return the content security policy that allows this one style element and nothing else."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:;"
        " form-action 'none'; base-uri 'none'"
    )


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
        return _TEMPLATE

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
    words = {name: spoken.say(text) for name, text in PAGE.items()}
    style = page_style(title, words["confidential"])
    resources = {
        "page": {
            "title": title,
            "language": spoken.code,
            "style": style,
            "policy": style_policy(style),
            "words": words,
        }
    }
    page, _ = _exporter().from_notebook_node(notebook, resources=resources)
    return str(page)
