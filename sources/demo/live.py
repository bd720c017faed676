"""Live changes, as the owning back-ends would write them: plain SQL, each change in one transaction.

Runs as a process of its own, which knows the back-ends' databases and nothing of Omniloket.
"""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from sources.demo.stories import FOLLOW_UPS, NOTES
from sources.local_time import AMSTERDAM
from sources.sql import incidents, servicemodule
from sources.sql.incidents import BETROKKENE, INCIDENT, INCIDENT_STATUS
from sources.sql.servicemodule import KLANTCONTACT

NEXT_STATUS = {"ONTV": "BEOO", "BEOO": "OPSP", "OPSP": "WACH", "WACH": "BEOO", "OPGS": "OPSP", "OVER": "BEOO"}
"""How a report's handling goes on; one that has ended is taken up again."""

_CANDIDATES = 50
_CONTACT_EVERY = 4


@dataclass(frozen=True)
class Pace:
    """A status every `seconds`, a contact with every fourth. `favourite`: the report that every other one is about."""

    seconds: float
    favourite: str | None = None
    seed: int = 1


def run(urls: Mapping[str, str], pace: Pace, parent: int) -> None:
    """Writes changes until `parent`, the process that started this one, is gone: it may be before this one begins."""
    asyncio.run(_run(urls, pace, parent))


async def change_status(engine: AsyncEngine, number: str) -> None:
    """The next status of a report."""
    async with engine.begin() as connection:
        await _change_status(connection, number, _now())


async def register_contact(engine: AsyncEngine, bsn: str | None, number: int) -> None:
    """A contact of a citizen over WhatsApp; `number` chooses the words."""
    subject, text = FOLLOW_UPS[number % len(FOLLOW_UPS)]
    values = {"kanaal_cd": "WHATSAPP", "richting": "I", "onderwerp": subject, "tekst": text, "tijdstip": _now()}
    async with engine.begin() as connection:
        await connection.execute(sa.insert(KLANTCONTACT).values(**values, bsn=bsn))


async def _run(urls: Mapping[str, str], pace: Pace, parent: int) -> None:
    random = Random(pace.seed)
    register = create_async_engine(urls[incidents.SOURCE])
    service = create_async_engine(urls[servicemodule.SOURCE])
    change = 0
    while os.getppid() == parent:
        await asyncio.sleep(pace.seconds)
        chosen = await _choose(register, random)
        number = pace.favourite if pace.favourite is not None and change % 2 == 0 else chosen["nummer"]
        await change_status(register, number)
        if change % _CONTACT_EVERY == 0:
            await register_contact(service, chosen["bsn"], change // _CONTACT_EVERY)
        change += 1


async def _choose(engine: AsyncEngine, random: Random) -> Mapping[Any, Any]:
    """One of the reports that changed last, with its reporter."""
    statement = (
        sa.select(INCIDENT.c.nummer, BETROKKENE.c.bsn)
        .join(BETROKKENE, sa.and_(BETROKKENE.c.incident_nummer == INCIDENT.c.nummer, BETROKKENE.c.rol_cd == "AAN"))
        .order_by(INCIDENT.c.aangemaakt_op.desc())
        .limit(_CANDIDATES)
    )
    async with engine.connect() as connection:
        return random.choice((await connection.execute(statement)).mappings().all())


async def _change_status(connection: AsyncConnection, number: str, now: datetime) -> None:
    """The history and the report itself, together."""
    before = (await connection.execute(sa.select(INCIDENT.c.status_cd).where(INCIDENT.c.nummer == number))).scalar_one()
    after = NEXT_STATUS.get(before, "BEOO")
    line = {"status_cd": after, "vorige_status_cd": before, "notitie": NOTES.get(after), "tijdstip": now}
    await connection.execute(sa.insert(INCIDENT_STATUS).values(incident_nummer=number, **line))
    await connection.execute(
        sa.update(INCIDENT).where(INCIDENT.c.nummer == number).values(status_cd=after, gewijzigd_op=now)
    )


def _now() -> datetime:
    """Naive local time, to the second, as the back-ends write it."""
    return datetime.now(AMSTERDAM).replace(tzinfo=None, microsecond=0)
