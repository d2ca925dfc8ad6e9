"""What the template imports, and a rehearsal: a small pack of each kind, of invented people.

Modules that a library imports inside a function, fonts, templates, translations and compiled
patterns are there only once they have been used; a fork inherits all of it.
"""

from __future__ import annotations

import datetime as dt
import importlib
import logging
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_HEAVY_AND_UNUSED = ("rfc3987_syntax",)
"""Takes seconds to import; jsonschema wants it to check internationalised addresses, which no
notebook format has, and does without it."""

_USED = (
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "ipykernel.debugger",
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "ipykernel.parentpoller",
    "ipykernel.zmqshell",
    "pipeline.pack.prepare",
    "pipeline.run.execute",
    "pipeline.run.notebook",
    "tornado.platform.asyncio",
)
"""The kernel imports half of its own parts only when it starts."""

_log = logging.getLogger("pipeline.run")


def warm_up() -> None:
    """Import what packs and kernels need, and rehearse; what goes wrong costs time only."""
    with _without(_HEAVY_AND_UNUSED):
        import_all()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rehearse()
    except Exception as reason:
        _log.warning("The rehearsal of a pack failed: %s.", type(reason).__name__)


@contextmanager
def _without(names: tuple[str, ...]) -> Iterator[None]:
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None: "cannot be imported"
    try:
        yield
    finally:
        for name in absent:
            sys.modules.pop(name, None)


def import_all() -> None:
    """Import the runner, the kernel and the packs."""
    for name in _USED:
        importlib.import_module(name)

    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.provisioning.factory import KernelProvisionerFactory

    KernelProvisionerFactory.instance()  # it looks through the metadata of every package
    KernelSpecManager().get_kernel_spec("python3")


def rehearse() -> None:
    """Make small packs of each kind, up to the page; say something in each language."""
    from nbformat.v4 import new_code_cell, new_notebook, new_output

    from pipeline.locale import LANGUAGES, Language
    from pipeline.pack import open_follow_up, open_pack
    from pipeline.pack.html import pages_of, to_html
    from pipeline.pack.wording import PAGE
    from pipeline.settings import Settings
    from pipeline.store import open_store

    with tempfile.TemporaryDirectory(prefix="calibrate-") as folder:
        home = Path(folder)
        with open_store(Settings(home=home)) as store:
            store.load("rehearsal", [], _invented(), [])
            last = store.sessions("2002")
        for session in last:
            before = open_pack(session.session_id, home=home)
            after = open_follow_up(session.session_id, home=home)
            for pack, pages in ((before, before.lists()), (after, after.pages())):
                bundles = [part._repr_mimebundle_() for part in pack.sections()]
                bundles.append(pages._repr_mimebundle_())
                shown = [new_output("display_data", data=bundle) for bundle in bundles]
                page = new_notebook(cells=[new_code_cell("pack", outputs=shown)])
                to_html(page, title=pack.title, language=pack.context.language)
                pages_of(page, language=pack.context.language.code)
                pack.facts()
            after.upcoming()
    for code in LANGUAGES:
        language = Language(code)
        _ = [language.say(text) for text in PAGE.values()]
        _ = language.number(0.5), language.percent(0.5), language.date(dt.date(2002, 2, 2))


def _invented() -> dict[str, Any]:
    """Return tables of one department in two cycles, and of a few conversations in the second.

    The people are enough for every method to answer; a conversation pack only has other parts.
    """
    people, raters, criteria = range(12), range(4), range(3)
    ratings: dict[str, list[object]] = {
        name: []
        for name in ("cycle", "employee_id", "rater_id", "criterion_id", "score", "subject_id")
    }
    for cycle, rated, conversations in (
        ("2001", people, False),
        ("2002", people, False),
        ("2002", people[:5], True),
    ):
        for person in rated:
            for rater in (person % 4, (person + 1) % 4, (person + 2) % 4):
                for criterion in criteria:
                    score = 1 + (person * 7 + rater * 3 + criterion * 5 + person * rater) % 5
                    subject = f"g{person}" if conversations else None
                    row = (cycle, f"e{person}", f"r{rater}", f"c{criterion}", float(score), subject)
                    for name, value in zip(ratings, row, strict=True):
                        ratings[name].append(value)
    everyone = [f"e{person}" for person in people] + [f"r{rater}" for rater in raters]
    return {
        "employees": _table("employees", employee_id=everyone, department=["-"] * len(everyone)),
        "ratings": _table("ratings", **ratings),
        "decisions": _table(
            "decisions",
            session_id=["2002--"] * 6,
            subject=[f"e{person}" for person in people[:6]],
            criterion_id=["overall"] * 6,
            score_before=[2.0, 3.0, 3.0, 4.0, 2.0, 3.0],
            score_after=[3.0, 3.0, 4.0, 3.0, 2.0, 4.0],
            outcome=["adjusted", "upheld", "adjusted", "adjusted", "upheld", "adjusted"],
            argument=["-"] * 6,
            decided_by=["r0"] * 6,
        ),
    }


def _table(name: str, **columns: Sequence[object]) -> Any:
    import pandas as pd

    from pipeline.tables import TABLES

    n = max(len(values) for values in columns.values())
    made = pd.DataFrame({one: columns.get(one, [None] * n) for one in TABLES[name].columns})
    for one, column in TABLES[name].columns.items():
        dtype = str(column.dtype)
        made[one] = made[one].astype("str" if dtype.startswith("string") else dtype)
    return made.assign(source_file="-", source_line=range(n))
