"""From a session's identifier to its packs: read, cut, analyse, plan, pack of its kind."""

from __future__ import annotations

from pathlib import Path

from pipeline.agenda import plan_agenda
from pipeline.errors import WrongUse, msg
from pipeline.locale import LANGUAGES, Language
from pipeline.pack.base import Pack
from pipeline.pack.calibration import CalibrationPack
from pipeline.pack.context import Context
from pipeline.pack.conversation import ConversationPack
from pipeline.pack.follow_up import FollowUpPack
from pipeline.pack.follow_up_context import FollowUpContext
from pipeline.pack.kinds import NOTEBOOK_OF
from pipeline.pack.wording import SESSION_KIND
from pipeline.privacy import Audience, cut, cut_outcome
from pipeline.settings import Settings, read_settings
from pipeline.store import Session, SessionData, SessionOutcome, open_store

__all__ = [
    "CalibrationPack", "ConversationPack", "FollowUpPack", "Pack", "make_follow_up", "make_pack",
    "open_follow_up", "open_pack",
]  # fmt: skip

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
    spoken = _language(language, data.session, settings)
    view = cut(data, _audience(audience), settings, viewer_id)
    plan = plan_agenda(view.analysis, settings)
    return PACKS[data.session.kind](Context(view, plan, settings, spoken), data)


def make_follow_up(
    outcome: SessionOutcome,
    settings: Settings,
    *,
    language: str | None = None,
    audience: str = "room",
) -> FollowUpPack:
    """Make the follow-up of a session from what it decided.

    Parameters
    ----------
    outcome
        What the session decided.
    settings, language
        See `make_pack`.
    audience
        ``"room"`` or ``"organisation"``.

    Raises
    ------
    WrongUse
        An unknown language or audience, or that of a manager.
    """
    spoken = _language(language, outcome.session, settings)
    after = cut_outcome(outcome, _audience(audience), settings)
    plan = plan_agenda(after.before.analysis, settings)
    return FollowUpPack(FollowUpContext(after.before, plan, settings, spoken, after), outcome)


def _language(language: str | None, session: Session, settings: Settings) -> Language:
    chosen = language or settings.language_of(session.department)
    if chosen not in LANGUAGES:
        raise WrongUse(
            msg(
                "There is no language {language}. Known: {known}.",
                language=str(chosen)[:20],
                known=", ".join(LANGUAGES),
            )
        )
    return Language(chosen)


def _audience(audience: str) -> Audience:
    try:
        return Audience(audience)
    except ValueError:
        raise WrongUse(
            msg(
                "There is no audience {audience}. Known: {known}.",
                audience=str(audience)[:20],
                known=", ".join(Audience),
            )
        ) from None


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


def open_follow_up(
    session_id: str,
    *,
    language: str | None = None,
    audience: str = "room",
    home: Path | str | None = None,
) -> FollowUpPack:
    """Read what a session decided from the store and make its follow-up.

    Parameters
    ----------
    session_id, home
        See `open_pack`.
    language, audience
        See `make_follow_up`.

    Raises
    ------
    WrongUse
        An unknown session, language or audience, or that of a manager.
    """
    settings = read_settings(home)
    with open_store(settings) as store:
        outcome = store.session_outcome(session_id)
    return make_follow_up(outcome, settings, language=language, audience=audience)
