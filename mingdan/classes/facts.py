"""What class rules may look at: the facts of a subscription and of a party.

Here: the columns. Not here: how they are found (`sql/classes/*_facts.sql`) and
the features themselves (`mingdan.features`).
"""

from __future__ import annotations

from mingdan.features.tables import FEATURES
from mingdan.rules.tree import Columns, column_kinds
from mingdan.tables import Column as C

_ORDER_FACTS = (
    C("sender_kind", "VARCHAR", "person, service_port, m2m or call_centre, from the product"),
    C("payment_kind", "VARCHAR", "prepaid or postpaid"),
    C("product_code", "VARCHAR", "product offering"),
    C("status", "VARCHAR", "TMF637: active, suspended, terminated, ..."),
    C("in_service", "BOOLEAN", "active or suspended at the end of the day"),
    C("arrears_fen", "BIGINT", "unpaid amount past its due date, in fen"),
    C("arrears_days", "INTEGER", "days since the oldest unpaid due date; 0 if none"),
    C("suspended_arrears", "BOOLEAN", "blocked for arrears"),
    C("suspended_realname", "BOOLEAN", "blocked for a real-name fault"),
    C("suspended_spam", "BOOLEAN", "blocked for spam"),
    C("suspended_fraud", "BOOLEAN", "blocked for fraud"),
    C("suspended_police", "BOOLEAN", "blocked by order of the police or a court"),
)
_OWN = {column.name for column in _ORDER_FACTS} | {"subscription_id", "party_id"}

SUBSCRIPTION_FACTS = (
    *(column for column in FEATURES.columns if column.name not in _OWN),
    *_ORDER_FACTS,
)
"""Features of the subscription (null if it was not used for 30 days) and its order facts."""

PARTY_FACTS = (
    C("subscriptions", "BIGINT", "subscriptions in service"),
    C("persons_lines", "BIGINT", "of these, with sender_kind person"),
    C("spend_fen_7d", "BIGINT", "spend of 7 days over all its subscriptions, in fen"),
    C("spend_fen_30d", "BIGINT", "spend of 30 days over all its subscriptions, in fen"),
    C("arrears_fen", "BIGINT", "unpaid past its due date over all, in fen, ended ones too"),
    C("arrears_days", "INTEGER", "days since the oldest unpaid due date; 0 if none"),
    C("party_cards", "INTEGER", "subscriptions in service under the same document"),
    C("account_age_days", "BIGINT", "age of its oldest subscription that was used in 30 days"),
    C("active_days_30d", "BIGINT", "most active days of one subscription in 30 days"),
    C("complainants_30d", "BIGINT", "sum over subscriptions of distinct complainants, 30 days"),
    C("suspended_arrears", "BOOLEAN", "a subscription is blocked for arrears"),
    C("suspended_realname", "BOOLEAN", "a subscription is blocked for a real-name fault"),
    C("suspended_spam", "BOOLEAN", "a subscription is blocked for spam"),
    C("suspended_fraud", "BOOLEAN", "a subscription is blocked for fraud"),
    C("suspended_police", "BOOLEAN", "a subscription is blocked by police or court"),
)
"""Facts summed over what a party holds.

The spend of a subscription that changed hands counts for its present holder
only once it was held through the whole window.
"""

KINDS: dict[str, Columns] = {
    "party": column_kinds(PARTY_FACTS),
    "subscription": column_kinds(SUBSCRIPTION_FACTS),
}
