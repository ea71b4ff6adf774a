-- Who holds each subscription, since when if it ever changed hands, and whether it was used.
-- A subscription no order knows (self-held) is its own party.
-- grain: one subscription that exists or was used in the last 30 days
-- key: subscription_id
-- inputs: subscriptions, subscription_holdings, features
WITH in_turn AS (
    SELECT
        subscription_id,
        party_id,
        valid_from,
        lag(party_id) OVER (PARTITION BY subscription_id ORDER BY valid_from) AS party_before
    FROM subscription_holdings
    WHERE valid_from < $day_end
),

changes AS (
    SELECT
        subscription_id,
        max(valid_from) AS changed_at
    FROM in_turn
    WHERE party_before <> party_id
    GROUP BY subscription_id
)

SELECT
    subscriptions.document_id,
    changes.changed_at,
    coalesce(subscriptions.subscription_id, features.subscription_id) AS subscription_id,
    coalesce(subscriptions.party_id, features.subscription_id) AS party_id,
    coalesce(subscriptions.status IN ('active', 'suspended'), TRUE) AS in_service,
    coalesce(features.sms_out_1d, 0) + coalesce(features.calls_out_1d, 0) > 0 AS active
FROM subscriptions
FULL JOIN features ON subscriptions.subscription_id = features.subscription_id
LEFT JOIN changes ON subscriptions.subscription_id = changes.subscription_id
