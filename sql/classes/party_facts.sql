-- What a class rule about a party may look at: facts summed over what it holds.
-- Spend before a transfer is the earlier holder's, so it counts only once it has left the window.
-- grain: one party
-- key: party_id
-- inputs: holders, subscription_facts
SELECT
    holders.party_id,
    count(*) FILTER (WHERE facts.in_service) AS subscriptions,
    count(*) FILTER (WHERE facts.in_service AND facts.sender_kind = 'person') AS persons_lines,
    coalesce(sum(facts.spend_fen_7d) FILTER (
        WHERE holders.changed_at IS NULL OR holders.changed_at <= $day_end - to_days(7)
    ), 0)::BIGINT AS spend_fen_7d,
    coalesce(sum(facts.spend_fen_30d) FILTER (
        WHERE holders.changed_at IS NULL OR holders.changed_at <= $day_end - to_days(30)
    ), 0)::BIGINT AS spend_fen_30d,
    sum(facts.arrears_fen)::BIGINT AS arrears_fen,
    max(facts.arrears_days) AS arrears_days,
    max(facts.party_cards) AS party_cards,
    max(facts.account_age_days)::BIGINT AS account_age_days,
    max(facts.active_days_30d)::BIGINT AS active_days_30d,
    coalesce(sum(facts.complainants_30d), 0)::BIGINT AS complainants_30d,
    bool_or(facts.suspended_arrears) AS suspended_arrears,
    bool_or(facts.suspended_realname) AS suspended_realname,
    bool_or(facts.suspended_spam) AS suspended_spam,
    bool_or(facts.suspended_fraud) AS suspended_fraud,
    bool_or(facts.suspended_police) AS suspended_police
FROM subscription_facts AS facts
INNER JOIN holders ON facts.subscription_id = holders.subscription_id
GROUP BY holders.party_id
