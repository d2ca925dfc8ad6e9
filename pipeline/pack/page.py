"""The frame of every page: templates, styles, and a policy that forbids all else.

Plain texts are escaped here. A page has no outside address, no style attribute, no script but the
one of this package, and a content security policy that forbids them: style and script are allowed
by their digests.
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

from pipeline.pack.blocks import Block, Cover

SECTION_MIME = "application/vnd.calibration.section+json"
FACTS_MIME = "application/vnd.calibration.facts+json"
PAGES_MIME = "application/vnd.calibration.pages+json"
FORM_MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TEMPLATES = Path(__file__).parent / "template"
TEMPLATE = "calibration"
_FOLDER = TEMPLATES / TEMPLATE


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
    form
        The decision form, for the part that it belongs to.
    """

    anchor: str
    title: str
    html: Markup
    form: bytes | None = None

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        mark = {"anchor": self.anchor, "title": self.title}
        shown = {"text/html": str(self.html), SECTION_MIME: mark, "text/plain": self.title}
        if self.form is not None:
            shown[FORM_MIME] = base64.b64encode(self.form).decode()
        return shown


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


def page_style(header: str, aside: str, *more: str) -> Markup:
    """Return the style sheet of a page with its running header on paper; ``more`` are own parts."""
    margins = (
        f"@page {{ @top-left {{ content: {css_text(header)} }}"
        f" @top-right {{ content: {css_text(aside)} }} }}\n"
        '@page:first { @top-left { content: "" } @top-right { content: "" } }'
    )
    common = ("tokens", "page", "parts", "stage", "paper")
    return Markup(f"{_css(*common)}\n{margins}\n{_css(*more)}")  # own CSS


@lru_cache
def page_script() -> Markup:
    """Return the script of a pack: sorting, filtering, presenting, the clock."""
    return Markup((_FOLDER / "pack.js").read_text(encoding="utf-8"))  # own script


def policy(style: str, script: str = "") -> str:
    """Return the content security policy that allows this style, this script and nothing else."""
    scripts = f" script-src {_digest(script)};" if script else ""
    return (
        f"default-src 'none'; style-src {_digest(style)};{scripts} img-src data:;"
        " form-action 'none'; base-uri 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
