"""Who holds a subscription: 开户 and 过户.

Here: the checks of a new holder (document, name, blacklist, five-number cap) and the
two businesses that need them. Not here: numbers and SIMs (`resources.py`).
"""

from __future__ import annotations

from mingdan.calendar import business_day
from mingdan.orders import checks
from mingdan.orders.batch import Batch, Work
from mingdan.orders.businesses.resources import (
    free_number,
    free_sim,
    settle_number,
    settle_sim,
)
from mingdan.orders.businesses.sharing import alone
from mingdan.orders.commands import Open, PartyData, TransferOwner
from mingdan.orders.offers import names
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.orders.working_set import Party, Subscription

REFUSING_EFFECT = "no_new_subscription"
"""The effect of a label (classes/dictionary.toml) that keeps a party from new service."""
_PARTY_TYPES = frozenset({"individual", "organization"})


def open_subscription(batch: Batch, work: Work, command: Open) -> None:
    """开户: subscription, product and account; number and SIM come into service.

    Refused if the document, number or SIM is not in order, the party is
    restricted or its document has as many subscriptions as policy allows.
    """
    known = batch.on_record
    ref = checks.words("subscription_ref", command.subscription_ref)
    offering = batch.offerings.get(command.product_code)
    if offering is None:
        product = checks.words("product_code", command.product_code)
        raise Refused("unknown_product", product_code=product)
    name = checks.number(command.msisdn, offering.code, offering.sender_kind)
    imsi, iccid = checks.sim(command.imsi, command.iccid)
    if ref in known.subscriptions:
        raise Refused("subscription_exists", subscription_ref=ref)
    if business_day(work.at) < offering.valid_from:
        raise Refused(
            "product_not_on_sale", product_code=offering.code, valid_from=offering.valid_from
        )
    party = new_holder(batch, work, command.party)
    number = free_number(batch, work, name, until=None)
    sim = free_sim(batch, work, imsi, iccid, until=None)

    _keep(batch, work, party)
    subscription = Subscription(
        subscription_id=batch.new_id("subscription"),
        ref=ref,
        account_id=batch.new_id("billing_account"),
        activated_at=work.at,
        recorded_at=work.recorded_at,
        terminated_at=None,
        termination_recorded_at=None,
        changed_at=work.recorded_at,
        product_id=batch.new_id("product"),
        product_code=offering.code,
        status=machine("product").walk(None, "created", "pendingActive", "active"),
        stored=False,
    )
    known.subscriptions[ref] = subscription
    batch.rows.accounts.append((subscription.account_id, work.at))
    for key_kind, key in (("msisdn", int(name)), ("imsi", int(imsi))):
        known.number_holdings.begin(
            (key_kind, key, subscription.subscription_id), work.at, None, *work.stamp
        )
    known.owners.begin((subscription.subscription_id, party.party_id), work.at, None, *work.stamp)
    known.in_service[party.document] += 1
    settle_number(batch, number)
    settle_sim(batch, sim, "scrapped")
    batch.touch(work, subscription, number, sim)
    batch.complete(
        work,
        "OPEN",
        subscription=subscription,
        party=party,
        characteristic={
            "productOffering": offering.code,
            "msisdn": [None, name],
            "iccid": [None, iccid],
            "imsi": [None, imsi],
        },
    )


def transfer_owner(batch: Batch, work: Work, command: TransferOwner) -> None:
    """过户: another party holds the subscription from `at` on; number and SIM stay.

    Refused while arrears are unpaid (policy), if the present holder shows another
    document than the one on record, and for everything a new holder of an opening
    would be refused for.
    """
    subscription = batch.in_service(command.subscription_ref, work)
    known = batch.on_record
    old = known.owners.at(0, work.at, subscription.subscription_id)
    if old is None:
        raise LookupError(f"subscription {subscription.subscription_id} without holder")
    former = known.party_by_id[old.what[1]]
    if former.party_ref == command.party.party_ref:
        raise Refused("same_owner", party_ref=former.party_ref, subscription_ref=subscription.ref)
    if command.holder_document is not None:
        kind, number = former.document
        if not checks.shows(command.holder_document, kind, former.party_type, number):
            raise Refused("holder_not_verified", subscription_ref=subscription.ref)
    alone(batch, work, subscription)
    arrears = batch.arrears(subscription, work.at)
    if arrears and not batch.policy.at("transfer_with_arrears", work.at):
        raise Refused("arrears_unpaid", arrears_fen=arrears)
    party = new_holder(batch, work, command.party, moved_from=former)

    _keep(batch, work, party)
    end = old.valid_to
    known.owners.cut(old, work.at, *work.stamp)
    known.owners.begin((subscription.subscription_id, party.party_id), work.at, end, *work.stamp)
    if end is None:
        known.in_service[former.document] -= 1
        known.in_service[party.document] += 1
    batch.touch(work, subscription)
    batch.complete(
        work,
        "TRANSFER_OWNER",
        subscription=subscription,
        party=party,
        characteristic={"relatedParty": [former.party_id, party.party_id]},
    )


def new_holder(
    batch: Batch, work: Work, data: PartyData, *, moved_from: Party | None = None
) -> Party:
    """The party on record, or a new one, if it may take (one more) subscription."""
    verify = bool(batch.policy.at("check_documents", work.at))
    checks.one_of("party_type", data.party_type, _PARTY_TYPES)
    document = (data.document_type, checks.document(data, verify=verify))
    ref, name = checks.words("party_ref", data.party_ref), checks.words("name", data.name)
    contact = None if data.contact is None else checks.words("contact", data.contact)
    party = batch.on_record.parties.get(ref)
    if party is None:
        # What is on record already was looked at when it came there.
        longest = int(batch.policy.at("name_longest", work.at))
        names.acceptable(name, party_type=data.party_type, longest=longest)
        party = Party(0, ref, data.party_type, name, document, contact, work.recorded_at)
    elif (party.document, party.party_type) != (document, data.party_type):
        raise Refused("party_mismatch", party_ref=ref, field="document")
    elif party.name != name:
        raise Refused("party_mismatch", party_ref=ref, field="name")
    _unrestricted(batch, document)
    person = data.party_type == "individual"
    limit = batch.policy.at(
        "subscriptions_per_person" if person else "subscriptions_per_organization", work.at
    )
    held = batch.on_record.held(document, work.at, work.order_id)
    # Between two party records of one document nothing is added.
    if limit and held >= limit and (moved_from is None or moved_from.document != document):
        raise Refused("cap_reached", held=held, limit=limit)
    return party


def _unrestricted(batch: Batch, document: tuple[str, str]) -> None:
    # By document, so that a second party record does not shed a blacklist.
    reasons = sorted(
        reason
        for party in batch.on_record.parties_of.get(document, ())
        for effect, reason in batch.on_record.restrictions.get(party.party_id, ())
        if effect == REFUSING_EFFECT
    )
    if reasons:
        raise Refused("party_restricted", reasons=", ".join(reasons))


def _keep(batch: Batch, work: Work, party: Party) -> None:
    """Put a new party on record."""
    if party.party_id:
        return
    party.party_id = batch.new_id("party")
    batch.on_record.add_party(party)
    batch.rows.parties.append(
        (
            party.party_id,
            party.party_ref,
            party.party_type,
            party.name,
            *party.document,
            party.contact,
            work.recorded_at,
        )
    )
