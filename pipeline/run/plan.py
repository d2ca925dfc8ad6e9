"""Which packs are to be made, and where each belongs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import WrongUse, msg
from pipeline.run.due import due_within
from pipeline.run.files import Target, reports_of, slug
from pipeline.run.parameters import PackParameters
from pipeline.run.product import CALIBRATION, Product
from pipeline.settings import REPOSITORY, Audience, LanguageCode, Settings
from pipeline.store import Session, Store

NOTEBOOKS = REPOSITORY / "notebooks"


@dataclass(frozen=True)
class PackJob:
    """One pack to make.

    Attributes
    ----------
    session
        For which session.
    notebook
        The notebook that makes it.
    parameters
        Its parameters.
    output
        The HTML file.
    title
        Title of the page.
    place
        Folder of the pack within reports/; each pack has one of its own.
    product
        Which sort of pack.
    kept
        Whether a pack that is there stays as it is: its session is over and locked.
    key, organisation
        What the pack is made from, for its record; see `key`.
    """

    session: Session
    notebook: Path
    parameters: PackParameters
    output: Target
    title: str
    place: str
    product: Product = CALIBRATION
    kept: bool = False
    key: str = ""
    organisation: tuple[float, ...] = ()


@dataclass(frozen=True)
class Reader:
    """Who reads a pack: an audience, and for a manager's pack which one."""

    audience: Audience
    viewer_id: str | None = None


def room_only(_session: Session) -> Sequence[Reader]:
    """Return the room, which every session has."""
    return (Reader(Audience.ROOM),)


def readers_of(
    store: Store, audiences: Collection[Audience]
) -> Callable[[Session], Sequence[Reader]]:
    """Return a function that tells for whom packs of a session are made.

    Parameters
    ----------
    store
        Tells which managers rated in a session.
    audiences
        Which cuts.
    """

    def readers(session: Session) -> Sequence[Reader]:
        found = [Reader(one) for one in Audience if one in audiences and one != Audience.MANAGER]
        if Audience.MANAGER in audiences:
            from pipeline.privacy import preparing  # takes a second, and is needed for these only

            data = store.session_data(session.session_id)
            found += [Reader(Audience.MANAGER, one) for one in preparing(data)]
        return found

    return readers


def choose_sessions(
    store: Store,
    *,
    session_ids: Sequence[str] = (),
    departments: Sequence[str] = (),
    cycle: str | None = None,
    due: dt.timedelta | None = None,
    now: dt.datetime | None = None,
) -> list[Session]:
    """Return the chosen sessions; without any choice those of the latest cycle.

    Parameters
    ----------
    store
        The store.
    session_ids, departments, cycle
        Which; all have to fit.
    due
        Only sessions held within this time, of any cycle unless one is named.
    now
        Local time; by default that of the clock.

    Raises
    ------
    WrongUse
        The store is empty, or nothing fits the choice.
    """
    cycles = store.cycles()
    if not cycles:
        raise WrongUse(
            msg("The store holds no ratings yet. Load exports first: calibrate import PATH.")
        )
    every = store.sessions(cycle if session_ids or due is not None else cycle or cycles[-1])
    known = {session.session_id for session in every}
    for wanted in session_ids:
        if wanted not in known:
            raise WrongUse(
                msg(
                    "There is no session {session_id}. `calibrate status` lists the sessions.",
                    session_id=wanted[:100],
                )
            )
    names = {session.department for session in every}
    for wanted in departments:
        if wanted not in names:
            raise WrongUse(
                msg(
                    "There is no session of department {department}. Departments: {known}.",
                    department=wanted[:100],
                    known=", ".join(sorted(names)[:40]),
                )
            )
    if due is not None:
        every = due_within(every, due, now or dt.datetime.now())
    return [
        session
        for session in every
        if (not session_ids or session.session_id in session_ids)
        and (not departments or session.department in departments)
    ]


def choose_recorded(
    store: Store,
    *,
    session_ids: Sequence[str] = (),
    departments: Sequence[str] = (),
    cycle: str | None = None,
) -> list[Session]:
    """Return the chosen sessions of which something was recorded.

    Without any choice those of the latest cycle with such a session. A session that is named is
    returned whether or not anything of it is known.

    Raises
    ------
    WrongUse
        See `choose_sessions`.
    """
    if session_ids:
        return choose_sessions(store, session_ids=session_ids, departments=departments, cycle=cycle)
    known, last = store.recorded_sessions(), cycle
    if last is None:
        with_record = [one.cycle for one in store.sessions() if one.session_id in known]
        if not with_record:
            return []
        last = with_record[-1]  # sessions come by cycle
    found = choose_sessions(store, departments=departments, cycle=last)
    return [one for one in found if one.session_id in known]


def plan_packs(
    settings: Settings,
    sessions: Sequence[Session],
    language: LanguageCode | None = None,
    readers: Callable[[Session], Sequence[Reader]] = room_only,
    product: Product = CALIBRATION,
) -> list[PackJob]:
    """Return a pack job for each session and reader.

    Parameters
    ----------
    settings
        Of the home folder.
    sessions
        Which sessions.
    language
        Of the packs; each department's own by default.
    readers
        For whom packs of a session are made; see `readers_of`.
    product
        Which sort of pack.
    """
    jobs = []
    for session in sessions:
        chosen = language or settings.language_of(session.department)
        for reader in readers(session):
            place = f"{slug(session.cycle)}/{slug(session.session_id)}{_subfolder(reader)}"
            jobs.append(
                PackJob(
                    session=session,
                    notebook=NOTEBOOKS / product.notebooks[session.kind],
                    parameters=PackParameters(
                        session_id=session.session_id,
                        language=chosen,
                        audience=reader.audience,
                        viewer_id=reader.viewer_id,
                        home=settings.home,
                    ),
                    output=reports_of(settings) / place / product.page,
                    title=f"{session.department} · {session.cycle}",
                    place=place,
                    product=product,
                )
            )
    return jobs


def _subfolder(reader: Reader) -> str:
    if reader.audience is Audience.ROOM:
        return ""
    if reader.viewer_id is None:
        return f"/{reader.audience.value}"
    return f"/managers/{slug(reader.viewer_id)}"
