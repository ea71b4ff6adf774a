-- The least share of contacts that makes four fifths of what passed with them in the last 30 days.
-- Contacts with equally many messages or calls stand as one level, of which as many are taken
-- as are needed.
-- grain: one subscription with a message or call
-- key: subscription_id
-- inputs: window_pairs
WITH levels AS (
    SELECT
        subscription_id,
        'text' AS what,
        texts AS amount,
        count(*) AS contacts
    FROM window_pairs
    WHERE texts > 0
    GROUP BY subscription_id, texts
    UNION ALL
    SELECT
        subscription_id,
        'call' AS what,
        calls AS amount,
        count(*) AS contacts
    FROM window_pairs
    WHERE calls > 0
    GROUP BY subscription_id, calls
    UNION ALL
    -- seconds are seldom equal: not worth a level
    SELECT
        subscription_id,
        'seconds' AS what,
        call_seconds AS amount,
        1 AS contacts
    FROM window_pairs
    WHERE call_seconds > 0
),

stacked AS (
    SELECT
        subscription_id,
        what,
        amount,
        sum(contacts) OVER largest_first - contacts AS contacts_before,
        sum(amount * contacts) OVER largest_first AS covered,
        sum(amount * contacts) OVER largest_first - amount * contacts AS covered_before
    FROM levels
    WINDOW largest_first AS (
        PARTITION BY subscription_id, what ORDER BY amount DESC ROWS UNBOUNDED PRECEDING
    )
),

-- four fifths, rounded up
total AS (
    SELECT
        subscription_id,
        count(*) FILTER (WHERE texts > 0) AS text_contacts,
        count(*) FILTER (WHERE calls > 0) AS call_contacts,
        (4 * sum(texts) + 4) // 5 AS text_target,
        (4 * sum(calls) + 4) // 5 AS call_target,
        (4 * sum(call_seconds) + 4) // 5 AS seconds_target
    FROM window_pairs
    GROUP BY subscription_id
),

taken AS (
    SELECT
        subscription_id,
        what,
        contacts_before + (four_fifths - covered_before + amount - 1) // amount AS contacts
    FROM (
        SELECT
            stacked.*,
            CASE what
                WHEN 'text' THEN text_target
                WHEN 'call' THEN call_target
                ELSE seconds_target
            END AS four_fifths
        FROM stacked
        INNER JOIN total USING (subscription_id)
    )
    WHERE
        covered >= four_fifths
        AND covered_before < four_fifths
)

SELECT
    subscription_id,
    ratio(max(contacts) FILTER (WHERE what = 'text'), any_value(text_contacts)) AS text_pareto_30d,
    ratio(max(contacts) FILTER (WHERE what = 'call'), any_value(call_contacts)) AS call_pareto_30d,
    ratio(max(contacts) FILTER (WHERE what = 'seconds'), any_value(call_contacts))
        AS call_seconds_pareto_30d
FROM taken
INNER JOIN total USING (subscription_id)
GROUP BY subscription_id
