-- What a class rule about a subscription may look at: its features and its order facts.
-- grain: one subscription that exists or was used in the last 30 days
-- key: subscription_id
-- inputs: holders, subscriptions, features
-- noqa: disable=AM04
SELECT
    features.* EXCLUDE (subscription_id, party_id, arrears_fen, arrears_days, sender_kind, payment_kind),
    holders.subscription_id,
    holders.party_id,
    holders.in_service,
    subscriptions.product_code,
    subscriptions.status,
    coalesce(subscriptions.sender_kind, features.sender_kind) AS sender_kind,
    coalesce(subscriptions.payment_kind, features.payment_kind) AS payment_kind,
    coalesce(subscriptions.arrears_fen, 0) AS arrears_fen,
    coalesce(subscriptions.arrears_days, 0) AS arrears_days,
    list_contains(string_split(coalesce(subscriptions.suspend_reasons, ''), ','), 'arrears')
        AS suspended_arrears,
    list_contains(string_split(coalesce(subscriptions.suspend_reasons, ''), ','), 'realname')
        AS suspended_realname,
    list_contains(string_split(coalesce(subscriptions.suspend_reasons, ''), ','), 'spam')
        AS suspended_spam,
    list_contains(string_split(coalesce(subscriptions.suspend_reasons, ''), ','), 'fraud')
        AS suspended_fraud,
    list_contains(string_split(coalesce(subscriptions.suspend_reasons, ''), ','), 'police')
        AS suspended_police
FROM holders
LEFT JOIN subscriptions ON holders.subscription_id = subscriptions.subscription_id
LEFT JOIN features ON holders.subscription_id = features.subscription_id
