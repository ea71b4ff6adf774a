"""Who lives in the world: benign personas and malicious archetypes, with their shares.

Here: names, shares of the subscribers and one line each on what they do; the
documentation and the score speak of them by these names. Not here: how they
behave (`everyday.py`, `professions.py`, `machines.py`, `archetypes.py`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Persona:
    """A benign way of life; `share` is of the world's subscribers."""

    name: str
    share: float
    product: str
    meaning: str


@dataclass(frozen=True)
class Archetype:
    """A malicious way of sending; `share` is of the world's subscribers."""

    name: str
    share: float
    meaning: str


ORDINARY = "ordinary"

PERSONAS = (
    Persona(ORDINARY, 0.0, "", "family, friends, work; heavy-tailed contacts and activity"),
    Persona("key_account", 0.016, "POSTPAID_5G", "pays 300, 700 or 1,700 yuan a month and more"),
    Persona("courier", 0.0035, "PREPAID", "35-60 short calls a day to strangers, texts those who do"
            " not pick up"),
    Persona("takeaway_driver", 0.0035, "PREPAID", "20-40 very short calls a day to strangers"),
    Persona("insurance_agent", 0.0014, "POSTPAID", "texts 15-45 clients and leads on working days,"
            " in sittings"),
    Persona("shop_owner", 0.0018, "BUSINESS", "texts 40-120 regular customers about once a week"),
    Persona("teacher", 0.002, "POSTPAID", "texts the parents of a class 2-4 times a week; many"
            " answer"),
    Persona("event_organiser", 0.0008, "POSTPAID", "invites 60-180 people on one or two days; many"
            " answer"),
    Persona("vip_sender", 0.00015, "POSTPAID_5G", "protected (红名单) head of an association, texts"
            " 150-350 members twice a week"),
    Persona("call_centre", 0.0008, "CALL_CENTRE", "80-160 calls on working days"),
    Persona("service_port", 0.0006, "SP_PORT", "106 port: passcodes all day, or bulk notices"),
    Persona("m2m", 0.02, "M2M", "device that reports to one server number at fixed intervals"),
)  # fmt: skip

ARCHETYPES = (
    Archetype("burst_advertiser", 0.0017, "new prepaid SIM, 200-900 texts a day in one to three"
              " blasts, a few days only"),
    Archetype("slow_pacer", 0.0017, "60-150 texts a day with human rhythm and uneven gaps, for"
              " weeks"),
    Archetype("rotation_farm", 0.0021, "a dozen SIMs rotate through a few devices, 15-60 texts a"
              " SIM and day"),
    Archetype("number_walker", 0.0012, "walks consecutive numbers of a prefix, 80-400 texts a"
              " day"),
    Archetype("turned_bad", 0.0011, "old benign account that begins to send 40-250 texts a day and"
              " keeps its own life"),
    Archetype("returning_person", 0.0006, "sender whose number was ended comes back with a new"
              " number under the same document"),
    Archetype("one_ring", 0.0012, "60-450 calls a day of 0-3 s to strangers; some call back"),
    Archetype("call_bomber", 0.0008, "2-4 victims a day, 30-200 calls each within an hour or two"),
)  # fmt: skip

PERSONA_NAMES = tuple(persona.name for persona in PERSONAS)
ARCHETYPE_NAMES = ("", *(archetype.name for archetype in ARCHETYPES))
"""Codes of the roster: position in these tuples; archetype 0 is benign."""


def persona(name: str) -> int:
    """Code of a persona."""
    return PERSONA_NAMES.index(name)


def archetype(name: str) -> int:
    """Code of an archetype."""
    return ARCHETYPE_NAMES.index(name)
