"""From a session's identifier to its pack: read, analyse, cut, plan, pack of its kind."""

from __future__ import annotations

from pathlib import Path

from pipeline.agenda import plan_agenda
from pipeline.errors import WrongUse, msg
from pipeline.locale import LANGUAGES, Language
from pipeline.pack.base import Pack
from pipeline.pack.calibration import CalibrationPack
from pipeline.pack.context import Context
from pipeline.pack.conversation import ConversationPack
from pipeline.pack.kinds import NOTEBOOK_OF
from pipeline.pack.wording import SESSION_KIND
from pipeline.privacy import Audience, cut
from pipeline.settings import Settings, read_settings
from pipeline.store import SessionData, open_store

__all__ = ["CalibrationPack", "ConversationPack", "Pack", "make_pack", "open_pack"]

PACKS: dict[str, type[Pack]] = {
    "performance": CalibrationPack,
    "conversation": ConversationPack,
}
"""By kind of session."""


def make_pack(
    data: SessionData,
    settings: Settings,
    *,
    language: str | None = None,
    audience: str = "room",
    viewer_id: str | None = None,
) -> Pack:
    """Make a pack of what bears on a session.

    Parameters
    ----------
    data
        Slice of the store.
    settings
        Scale, thresholds, texts.
    language
        ``"nl"`` or ``"en"``; the department's own by default.
    audience
        ``"room"``, ``"manager"`` or ``"organisation"``.
    viewer_id
        The manager, for a manager's pack.

    Raises
    ------
    WrongUse
        An unknown language or audience.
    """
    chosen = language or settings.language_of(data.session.department)
    if chosen not in LANGUAGES:
        raise WrongUse(
            msg(
                "There is no language {language}. Known: {known}.",
                language=str(chosen)[:20],
                known=", ".join(LANGUAGES),
            )
        )
    try:
        readers = Audience(audience)
    except ValueError:
        raise WrongUse(
            msg(
                "There is no audience {audience}. Known: {known}.",
                audience=str(audience)[:20],
                known=", ".join(Audience),
            )
        ) from None
    view = cut(data, readers, settings, viewer_id)
    plan = plan_agenda(view.analysis, settings)
    context = Context(view, plan, settings, Language(chosen))
    return PACKS[data.session.kind](context, data)


def open_pack(
    session_id: str,
    *,
    language: str | None = None,
    audience: str = "room",
    viewer_id: str | None = None,
    home: Path | str | None = None,
    kind: str | None = None,
) -> Pack:
    """Read a session from the store and make its pack.

    Parameters
    ----------
    session_id
        The session; `calibrate status` lists them.
    language, audience, viewer_id
        See `make_pack`.
    home
        Folder with `workbench.toml`; the environment's ``CALIBRATE_HOME`` or the repository by
        default.
    kind
        Kind of session that the caller shows the parts of; a session of another kind is refused.

    Raises
    ------
    WrongUse
        An unknown session, language or audience, or another kind of session.
    """
    settings = read_settings(home)
    with open_store(settings) as store:
        data = store.session_data(session_id)
    found = data.session.kind
    if kind is not None and kind != found:
        raise WrongUse(
            msg(
                "Session {session_id} is about {what}; its pack is made by {notebook}.",
                session_id=session_id[:100],
                what=SESSION_KIND[found],
                notebook=f"notebooks/{NOTEBOOK_OF[found]}",
            )
        )
    return make_pack(data, settings, language=language, audience=audience, viewer_id=viewer_id)
