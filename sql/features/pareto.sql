-- The least share of contacts that makes four fifths of what passed with them in the last 30 days.
-- Contacts with equally many messages or calls stand as one level, of which as many are taken
-- as are needed.
-- grain: one subscription with a message or call
-- key: subscription_id
-- inputs: month_pairs, contacts
WITH level AS (
    SELECT
        subscription_id,
        -- 1 messages, 2 calls, 3 seconds of talk: numbers are ordered at half the cost of words
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

whole AS (
    SELECT
        subscription_id,
        what,
        sum(amount::BIGINT * numbers)::BIGINT AS amount,
        sum(numbers)::BIGINT AS numbers
    FROM level
    GROUP BY subscription_id, what
),

-- those with at most a fifth of the mean have together less than a fifth of the whole, so
-- they are never needed: a third of all is not put in order
high AS (
    SELECT
        level.subscription_id,
        level.what,
        level.amount,
        level.numbers,
        level.amount::BIGINT * level.numbers AS passed,
        -- rounded up
        (4 * whole.amount + 4) // 5 AS four_fifths
    FROM level
    INNER JOIN whole USING (subscription_id, what)
    WHERE 5 * level.amount::BIGINT * whole.numbers > whole.amount
),

stacked AS (
    SELECT
        *,
        (sum(numbers) OVER largest_first)::BIGINT AS taken,
        (sum(passed) OVER largest_first)::BIGINT AS covered
    FROM high
    WINDOW largest_first AS (
        PARTITION BY subscription_id, what ORDER BY amount DESC ROWS UNBOUNDED PRECEDING
    )
),

-- the level that reaches four fifths, less those of it that are not needed
needed AS (
    SELECT
        subscription_id,
        what,
        taken - (covered - four_fifths) // amount AS numbers
    FROM stacked
    WHERE
        covered >= four_fifths
        AND covered - passed < four_fifths
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
