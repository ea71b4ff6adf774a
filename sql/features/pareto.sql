-- The least share of contacts that makes four fifths of what passed with them in the last 30 days.
-- Contacts with equally many messages or calls stand as one level, of which as many are taken
-- as are needed.
-- grain: one subscription with a message or call
-- key: subscription_id
-- inputs: month_pairs, contacts
WITH level AS (
    SELECT
        subscription_id,
        -- 1 messages, 2 calls, 3 seconds of talk: a number is sorted at half the cost of a word
        1 AS what,
        sms_out + sms_in AS amount,
        count(*) AS numbers
    FROM month_pairs
    WHERE sms_out + sms_in > 0
    GROUP BY subscription_id, sms_out + sms_in
    UNION ALL
    SELECT
        subscription_id,
        2 AS what,
        calls_out + calls_in AS amount,
        count(*) AS numbers
    FROM month_pairs
    WHERE calls_out + calls_in > 0
    GROUP BY subscription_id, calls_out + calls_in
    UNION ALL
    -- seconds are seldom equal: not worth a level
    SELECT
        subscription_id,
        3 AS what,
        call_seconds AS amount,
        1 AS numbers
    FROM month_pairs
    WHERE call_seconds > 0
),

stacked AS (
    SELECT
        subscription_id,
        what,
        amount,
        (amount::BIGINT * numbers)::BIGINT AS passed,
        (sum(numbers) OVER largest_first)::BIGINT AS taken,
        (sum(amount::BIGINT * numbers) OVER largest_first)::BIGINT AS covered
    FROM level
    WINDOW largest_first AS (
        PARTITION BY subscription_id, what ORDER BY amount DESC ROWS UNBOUNDED PRECEDING
    )
),

-- four fifths, rounded up
target AS (
    SELECT
        subscription_id,
        what,
        ((4 * sum(amount::BIGINT * numbers) + 4) // 5)::BIGINT AS four_fifths
    FROM level
    GROUP BY subscription_id, what
),

-- the level that reaches them, less those of it that are not needed
needed AS (
    SELECT
        stacked.subscription_id,
        stacked.what,
        stacked.taken - (stacked.covered - target.four_fifths) // stacked.amount AS numbers
    FROM stacked
    INNER JOIN target USING (subscription_id, what)
    WHERE
        stacked.covered >= target.four_fifths
        AND stacked.covered - stacked.passed < target.four_fifths
)

SELECT
    subscription_id,
    ratio(max(numbers) FILTER (WHERE what = 1), any_value(text_contacts)) AS text_pareto_30d,
    ratio(max(numbers) FILTER (WHERE what = 2), any_value(call_contacts)) AS call_pareto_30d,
    ratio(max(numbers) FILTER (WHERE what = 3), any_value(call_contacts))
        AS call_seconds_pareto_30d
FROM needed
INNER JOIN contacts USING (subscription_id)
WHERE contacts.span = 30
GROUP BY subscription_id
