"""Why answers are missing, gathered in one place so that reasons do not fill a part."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.analysis import NoAnswer
from pipeline.errors import Message, Suppressed, msg
from pipeline.pack.blocks import Block, Bullets, Fold
from pipeline.pack.context import Context


def reasons(context: Context, names: Mapping[str, Message]) -> list[Block]:
    """Gather in one fold why these answers, or parts of them, are missing."""
    texts: dict[str, list[str]] = {}
    for name, label in names.items():
        answer = getattr(context.analysis, name)
        what = context.say(label)
        if isinstance(answer, Suppressed):
            continue  # the cover says what this pack holds
        if isinstance(answer, NoAnswer):
            texts.setdefault(context.say(answer.message), []).append(what)
        elif answer is not None:
            for text, n, total in _partial(context, answer):
                part = msg("{what} ({n} of {total})", what=what, n=n, total=total)
                texts.setdefault(text, []).append(context.say(part))
    if not texts:
        return []
    lines = []
    for text, parts in texts.items():
        joined = context.language.join(parts)
        lines.append(f"{joined[:1].upper()}{joined[1:]}: {text}")
    return [
        Fold(context.say(msg("What could not be estimated, and why")), (Bullets(tuple(lines)),))
    ]


def _partial(context: Context, answer: object) -> list[tuple[str, int, int]]:
    """Return reasons of single rows: text, how many rows, of how many."""
    table = next(
        (
            getattr(answer, name)
            for name in ("cells", "raters")
            if hasattr(answer, name) and "reason" in getattr(answer, name)
        ),
        None,
    )
    if table is None or table.empty:
        return []
    given = [one for one in table["reason"] if isinstance(one, Message)]
    found_texts = [context.say(one) for one in given]
    return [(text, found_texts.count(text), len(table)) for text in dict.fromkeys(found_texts)]
