-- Blocking check: flagged subscriptions whose product is not a person's.
-- grain: one row
-- key: none
-- inputs: sender_assertions, features
SELECT
    count(*) FILTER (WHERE features.sender_kind <> 'person') AS failing,
    count(*) AS assertions
FROM sender_assertions
INNER JOIN features ON sender_assertions.subject_id = features.subscription_id
WHERE sender_assertions.subject_type = 'subscription'
