"""推介: which offers suit a customer, by stated need and known behaviour, and why.

Here: one pure function over figures given to it (TMF680). Not here: where the
figures come from (`catalogue_now.py`, the command line), the wording
(`reference/recommendation_reason.csv`), and changing anything.

What a month would cost decides: the fee and what is used beyond what it
includes. Nothing about the person does - neither name, age nor label.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from mingdan.orders.offers.features import Feature
from mingdan.reference import load

KINDS = ("minutes", "messages", "megabytes")
"""What an offer includes, and what use is counted in, a month."""
_NAMED = {"minutes": "minutes 通话", "messages": "messages 短信", "megabytes": "MB 流量"}


@dataclass(frozen=True, kw_only=True)
class Terms:
    """An offering as it is sold on a day; a month's fee and terms, in fen.

    `over_*`: what use beyond what it includes costs.
    """

    code: str
    name: str
    name_zh: str
    payment_kind: str
    sender_kind: str
    on_sale_from: date
    monthly_fee_fen: int
    minutes: int = 0
    messages: int = 0
    megabytes: int = 0
    over_minute_fen: int = 0
    over_message_fen: int = 0
    over_gigabyte_fen: int = 0
    international: bool = False
    known: bool = True
    """Whether what it includes is on record; if not, it cannot be recommended."""


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What the customer says he needs a month; None: nothing said."""

    minutes: int | None = None
    messages: int | None = None
    megabytes: int | None = None
    international: bool = False
    features: tuple[Feature, ...] = ()
    budget_fen: int | None = None
    payment_kind: str | None = None
    sender_kind: str = "person"


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """What was used of late, per month of 30 days."""

    minutes: int
    messages: int
    megabytes: int


@dataclass(frozen=True)
class Reason:
    """Why, in both languages; `code` of `reference/recommendation_reason.csv`."""

    code: str
    en: str
    zh: str


@dataclass(frozen=True)
class Recommendation:
    """An offer, its place (`priority` 1 is best), and what a month is expected to cost in fen."""

    priority: int
    offer: str
    name: str
    name_zh: str
    monthly_fee_fen: int
    expected_fen: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Advice:
    """Offers in order, the best first, and those left out with the reason."""

    recommended: tuple[Recommendation, ...]
    left_out: tuple[tuple[str, Reason], ...]


def recommend(
    offers: Iterable[Terms],
    *,
    needs: Needs,
    behaviour: Behaviour | None,
    present: str | None,
    day: date,
    between_payment_kinds: bool = False,
    most: int = 3,
) -> Advice:
    """The `most` offers that cost least for the need, those within the budget first.

    Of need and behaviour the greater counts, kind by kind. `present`: the
    customer's offer now; he keeps its way of paying unless
    `between_payment_kinds`. Same input, same advice.
    """
    known = sorted(offers, key=lambda offer: offer.code)
    now = next((offer for offer in known if offer.code == present), None)
    use = {kind: _use(kind, needs, behaviour) for kind in KINDS}
    fit, left = [], []
    for offer in known:
        problem = _left_out(offer, needs, now, day, between_payment_kinds=between_payment_kinds)
        if problem is None:
            fit.append((offer, expected_fen(offer, use)))
        else:
            left.append((offer.code, problem))
    budget = needs.budget_fen
    fit.sort(
        key=lambda pair: (
            budget is not None and pair[1] > budget,
            pair[1],
            pair[0].monthly_fee_fen,
            pair[0].code,
        )
    )
    least = min((fen for _, fen in fit), default=0)
    pays = None if now is None or not now.known else expected_fen(now, use)
    recommended = tuple(
        Recommendation(
            priority,
            offer.code,
            offer.name,
            offer.name_zh,
            offer.monthly_fee_fen,
            fen,
            tuple(_reasons(offer, fen, fen == least, use, needs, behaviour, now, pays)),
        )
        for priority, (offer, fen) in enumerate(fit[: max(1, most)], start=1)
    )
    return Advice(recommended, tuple(left))


def expected_fen(offer: Terms, use: dict[str, int]) -> int:
    """What a month costs, in fen: the fee and every use beyond what is included."""
    return offer.monthly_fee_fen + sum(_over(offer, kind, use[kind])[1] for kind in KINDS)


def _use(kind: str, needs: Needs, behaviour: Behaviour | None) -> int:
    stated = getattr(needs, kind) or 0
    return max(stated, 0 if behaviour is None else getattr(behaviour, kind))


def _over(offer: Terms, kind: str, used: int) -> tuple[int, int]:
    """How much is used beyond what is included, and what that costs in fen."""
    over = max(0, used - int(getattr(offer, kind)))
    if kind == "megabytes":
        # a begun gigabyte is not a whole one: by the megabyte, rounded up to a fen
        return over, -(-over * offer.over_gigabyte_fen // 1024)
    return over, over * (offer.over_minute_fen if kind == "minutes" else offer.over_message_fen)


def _left_out(
    offer: Terms, needs: Needs, now: Terms | None, day: date, *, between_payment_kinds: bool
) -> Reason | None:
    if offer.sender_kind != (needs.sender_kind if now is None else now.sender_kind):
        return _reason("left_line", sender_kind=offer.sender_kind)
    if day < offer.on_sale_from:
        return _reason("left_not_on_sale", valid_from=offer.on_sale_from)
    if not offer.known:
        return _reason("left_terms")
    if needs.payment_kind not in (None, offer.payment_kind):
        return _reason("left_payment", payment_kind=offer.payment_kind)
    if now is not None and offer.payment_kind != now.payment_kind and not between_payment_kinds:
        return _reason("left_change")
    if needs.international and not offer.international:
        return _reason("left_international")
    for wanted in needs.features:
        if (
            offer.payment_kind not in wanted.payment_kinds
            or offer.sender_kind not in wanted.sender_kinds
        ):
            return _reason("left_feature", feature=wanted.code)
    return None


def _reasons(
    offer: Terms,
    fen: int,
    is_least: bool,
    use: dict[str, int],
    needs: Needs,
    behaviour: Behaviour | None,
    now: Terms | None,
    pays: int | None,
) -> Iterator[Reason]:
    yield _reason("cheapest" if is_least else "expected", expected=yuan(fen))
    for kind in KINDS:
        if not use[kind]:
            continue
        over, cost = _over(offer, kind, use[kind])
        if over:
            yield _reason(f"over_{kind}", over=over, cost=yuan(cost))
        else:
            yield _reason(f"covers_{kind}", included=getattr(offer, kind), wanted=use[kind])
        used, stated = getattr(behaviour, kind, 0), getattr(needs, kind)
        if stated is None:
            yield _reason("behaviour_only", what=_NAMED[kind], used=used)
        elif used > stated:
            yield _reason("behaviour", what=_NAMED[kind], used=used, stated=stated)
    if needs.international:
        yield _reason("international")
    for wanted in needs.features:
        yield _reason("feature", feature=wanted.code)
    if needs.budget_fen is not None:
        held = "within_budget" if fen <= needs.budget_fen else "over_budget"
        yield _reason(held, budget=yuan(needs.budget_fen))
    if now is not None and offer.code == now.code:
        yield _reason("present")
    elif pays is not None and fen < pays:
        yield _reason("saves", saved=yuan(pays - fen))


def _reason(code: str, **values: object) -> Reason:
    wording = load.by("recommendation_reason", "code")[code]
    return Reason(code, wording["en"].format(**values), wording["zh"].format(**values))


def yuan(fen: int) -> str:
    """Fen as people read money: 5800 is 58.00."""
    return f"{fen // 100}.{fen % 100:02d}"
