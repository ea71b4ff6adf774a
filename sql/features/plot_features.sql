-- Plot: how many subscriptions sent how many messages and calls on the day.
-- grain: one row a kind and band
-- key: series, x
-- inputs: features
SELECT
    series,
    band AS x,
    count(*) AS y
FROM (
    SELECT
        series,
        CASE
            WHEN events < 10 THEN events::VARCHAR
            WHEN events < 20 THEN '10+'
            WHEN events < 50 THEN '20+'
            WHEN events < 100 THEN '50+'
            WHEN events < 200 THEN '100+'
            ELSE '200+'
        END AS band,
        CASE WHEN events < 10 THEN events ELSE 10 + ln(events)::INTEGER END AS place
    FROM (
        SELECT
            'messages sent' AS series,
            sms_out_1d AS events
        FROM features
        UNION ALL
        SELECT
            'calls made' AS series,
            calls_out_1d AS events
        FROM features
    )
    WHERE events > 0
)
GROUP BY series, band
ORDER BY min(place), series
