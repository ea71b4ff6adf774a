"""Identifiers with valid check digits: numbers, SIMs, devices, documents, names.

Here: how identifiers are issued, vectorised. Not here: who gets which
(`roster.py`, `lives.py`) and how the product parses them
(`mingdan/identifiers.py`). Numbers are 64-bit integers as in the lake: mobile
and fixed ones with country code 86, service numbers as they are.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from stdnum.cn import uscc

Ints = npt.NDArray[np.int64]

COUNTRY: Final = 86 * 10**11
"""Added to an 11-digit mobile number."""
OWN_PREFIXES = np.array([134, 135, 136, 137, 138, 139, 150, 151, 152, 157, 158, 159, 178, 182,
                         183, 187, 188, 198])  # fmt: skip
OTHER_PREFIXES = np.array([130, 131, 132, 133, 153, 155, 156, 166, 173, 175, 176, 177, 180, 181,
                           185, 186, 189, 191, 199])  # fmt: skip
AREAS = np.array([755, 20, 769, 752])
AREA_SHARES = np.array([0.7, 0.14, 0.1, 0.06])
_DIVISIONS = np.array([110101, 110102, 110105, 110108, 120101, 120105, 422822, 422825, 430121,
                       433123, 440221, 510121, 510122, 510321])  # fmt: skip
_TACS = np.array([86012304, 86045203, 86107804, 86213405, 86388904, 86425603, 86563204, 86692503,
                  86754104, 86831105, 35332811, 35404910])  # fmt: skip
MODEM_TAC: Final = 86700604
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红梅建国文辉佳宁浩宇欣怡子涵梓轩"


def luhn(body: Ints) -> Ints:
    """`body` with its Luhn check digit appended."""
    total = np.zeros_like(body)
    rest = body.copy()
    double = True
    while rest.any():
        rest, digit = np.divmod(rest, 10)
        value = digit * 2 if double else digit
        total += np.where(value > 9, value - 9, value)
        double = not double
    return body * 10 + (-total) % 10


def segments(rng: np.random.Generator, prefixes: Ints, count: int, banned: Ints) -> Ints:
    """`count` distinct 7-digit number segments (号段) that are not `banned`."""
    wanted = rng.choice(prefixes, count * 2 + 20) * 10_000 + rng.integers(
        1_000, 10_000, count * 2 + 20
    )
    fresh = wanted[~np.isin(wanted, banned)]
    _, first = np.unique(fresh, return_index=True)
    return fresh[np.sort(first)][:count]


def own_numbers(rng: np.random.Generator, blocks: Ints, count: int) -> Ints:
    """`count` distinct numbers in the segments `blocks`, dense in a few thousand-blocks.

    About 40 % of a thousand-block is issued, so walking consecutive numbers
    meets subscribers and gaps alike.
    """
    thousands = -(-count // 400)
    starts = blocks[np.arange(thousands) % blocks.size] * 10_000
    starts = starts + (np.arange(thousands) // blocks.size) * 1_000
    chosen = rng.permuted(np.tile(np.arange(1_000), (thousands, 1)), axis=1)[:, :400]
    numbers = (starts[:, None] + chosen).ravel() + COUNTRY
    return rng.permutation(numbers)[:count]


def imeis(rng: np.random.Generator, count: int, *, modem: bool = False) -> Ints:
    """`count` distinct IMEIs; modems all have one type allocation code (TAC)."""
    place = rng.permutation(count)
    codes = np.array([MODEM_TAC]) if modem else _TACS
    return luhn(codes[place % codes.size] * 10**6 + place // codes.size + 10_000)


def imsis(rng: np.random.Generator, count: int) -> Ints:
    """`count` distinct IMSIs of network 460 00."""
    step = 9_000_000_000 // max(count, 1)
    return 460_00 * 10**10 + rng.permutation(np.arange(count) * step) + 10**9


def iccid(serial: int) -> str:
    """A 20-digit ICCID with its check digit."""
    body = f"898600{serial:013d}"
    total = 0
    for position, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if position % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return f"{body}{-total % 10}"


def identity_cards(rng: np.random.Generator, count: int) -> list[str]:
    """`count` distinct 18-digit identity card numbers (GB 11643) with check character."""
    born = np.datetime64("1955-01-01") + rng.integers(0, 49 * 365, count)
    place = rng.choice(_DIVISIONS, count)
    dates = np.datetime_as_string(born, unit="D")
    serial = rng.integers(1, 1_000, count)
    bodies = [
        f"{area}{day.replace('-', '')}{number:03d}"
        for area, day, number in zip(place.tolist(), dates.tolist(), serial.tolist(), strict=True)
    ]
    return [body + _card_check(body) for body in _distinct(bodies)]


def company_codes(rng: np.random.Generator, count: int) -> list[str]:
    """`count` distinct unified social credit codes (统一社会信用代码)."""
    serial = np.arange(count) * 97 + rng.integers(0, 97, count)
    bodies = [f"91440300MA5{number:06d}" for number in serial.tolist()]
    return [body + uscc.calc_check_digit(body) for body in bodies]


def names(rng: np.random.Generator, count: int) -> list[str]:
    """`count` names of persons (not distinct)."""
    surname = rng.integers(0, len(_SURNAMES), count).tolist()
    given = rng.integers(0, len(_GIVEN), (count, 2)).tolist()
    short = (rng.random(count) < 0.2).tolist()
    return [
        _SURNAMES[family] + _GIVEN[first] + ("" if brief else _GIVEN[second])
        for family, (first, second), brief in zip(surname, given, short, strict=True)
    ]


def _distinct(bodies: list[str]) -> list[str]:
    """Bodies whose sequence number is raised where two would be equal."""
    seen: set[str] = set()
    result = []
    for body in bodies:
        fresh = body
        while fresh in seen:
            fresh = f"{fresh[:14]}{int(fresh[14:]) % 999 + 1:03d}"
        seen.add(fresh)
        result.append(fresh)
    return result


def _card_check(body: str) -> str:
    total = sum(int(digit) * (1 << (17 - place)) for place, digit in enumerate(body))
    return "10X98765432"[total % 11]
