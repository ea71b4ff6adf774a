-- A straightforward DuckDB script for the day's guided usage and partials: whole day at once,
-- holdings by a range join, windows where they come to mind.
CREATE TEMP TABLE guided AS
WITH held AS (
    SELECT
        u.*,
        sim.subscription_id AS by_imsi,
        num.subscription_id AS by_msisdn
    FROM usage AS u
    LEFT JOIN number_holdings AS sim
        ON
            sim.key_kind = 'imsi'
            AND u.served_imsi = sim.key
            AND u.event_at >= sim.valid_from
            AND u.event_at < coalesce(sim.valid_to, 'infinity'::TIMESTAMP)
    LEFT JOIN number_holdings AS num
        ON
            num.key_kind = 'msisdn'
            AND u.served_msisdn = num.key
            AND u.event_at >= num.valid_from
            AND u.event_at < coalesce(num.valid_to, 'infinity'::TIMESTAMP)
)

SELECT
    held.* EXCLUDE (by_imsi, by_msisdn, delivered),
    coalesce(by_imsi, by_msisdn) AS subscription_id,
    party.party_id,
    CASE WHEN by_imsi IS NULL THEN 'msisdn' ELSE 'imsi' END AS guided_by
FROM held
INNER JOIN subscription_holdings AS party
    ON
        coalesce(by_imsi, by_msisdn) = party.subscription_id
        AND event_at >= party.valid_from
        AND event_at < coalesce(party.valid_to, 'infinity'::TIMESTAMP)
WHERE by_imsi IS NULL OR by_msisdn IS NULL OR by_imsi = by_msisdn;

COPY (SELECT * FROM guided ORDER BY subscription_id, event_at, record_id)
TO 'guided_usage.parquet' (FORMAT parquet, COMPRESSION zstd);

COPY (
    SELECT *
    FROM usage
    ANTI JOIN guided USING (record_id)
) TO 'rejected_usage.parquet' (FORMAT parquet, COMPRESSION zstd);

CREATE TEMP TABLE event AS
SELECT
    *,
    epoch_us(event_at - $day_start) // 1000000 AS at_second,
    coalesce(
        usage_type = 'sms'
        AND message_ref IS NOT NULL
        AND event_at - lag(event_at) OVER (
            PARTITION BY usage_type, subscription_id, direction, other_party, message_ref
            ORDER BY event_at, record_id
        ) <= INTERVAL 10 MINUTE,
        FALSE
    ) AS is_segment
FROM guided;

COPY (
    WITH hourly AS (
        SELECT
            subscription_id,
            at_second // 3600 AS hour_of_day,
            count(*) FILTER (WHERE direction = 'out' AND usage_type <> 'data' AND NOT is_segment) AS sent
        FROM event
        GROUP BY subscription_id, at_second // 3600
    ),

    busiest AS (
        SELECT subscription_id, max(sent) AS busiest_hour_out
        FROM hourly
        GROUP BY subscription_id
    ),

    callee AS (
        SELECT subscription_id, max(calls) AS max_calls_one_callee_hour
        FROM (
            SELECT subscription_id, count(*) AS calls
            FROM event
            WHERE usage_type = 'voice' AND direction = 'out'
            GROUP BY subscription_id, other_party, at_second // 3600
        )
        GROUP BY subscription_id
    ),

    step AS (
        SELECT
            subscription_id,
            at_second - lag(at_second) OVER w AS gap,
            CASE
                WHEN other_kind = 'mobile' AND lag(other_kind) OVER w = 'mobile'
                    THEN abs(other_party - lag(other_party) OVER w)
            END AS stride
        FROM event
        WHERE direction = 'out' AND usage_type <> 'data' AND NOT is_segment
        WINDOW w AS (PARTITION BY subscription_id ORDER BY event_at, record_id)
    ),

    steps AS (
        SELECT
            subscription_id,
            count(gap) AS gaps,
            sum(gap)::BIGINT AS gap_seconds,
            sum(gap * gap)::BIGINT AS gap_seconds_squared,
            count(stride) AS mobile_steps,
            count(*) FILTER (WHERE stride BETWEEN 1 AND 10) AS walking_steps
        FROM step
        WHERE gap IS NOT NULL
        GROUP BY subscription_id
    ),

    daily AS (
        SELECT
            subscription_id,
            count(*) AS records,
            count(*) FILTER (WHERE is_segment) AS segments,
            count(*) FILTER (WHERE usage_type = 'sms' AND direction = 'out' AND NOT is_segment) AS sms_out,
            count(*) FILTER (WHERE usage_type = 'sms' AND direction = 'in' AND NOT is_segment) AS sms_in,
            count(*) FILTER (WHERE usage_type = 'voice' AND direction = 'out') AS calls_out,
            count(*) FILTER (WHERE usage_type = 'voice' AND direction = 'in') AS calls_in,
            coalesce(sum(duration_s) FILTER (WHERE usage_type = 'voice' AND direction = 'out'), 0)::BIGINT
                AS call_seconds_out,
            coalesce(sum(duration_s) FILTER (WHERE usage_type = 'voice' AND direction = 'in'), 0)::BIGINT
                AS call_seconds_in,
            count(*) FILTER (WHERE usage_type = 'voice' AND direction = 'out' AND duration_s <= 3)
                AS one_ring_calls,
            count(*) FILTER (WHERE usage_type = 'voice' AND direction = 'out' AND duration_s <= 6)
                AS short_calls,
            count(*) FILTER (WHERE usage_type = 'data') AS data_sessions,
            coalesce(sum(bytes) FILTER (WHERE usage_type = 'data'), 0)::BIGINT AS data_bytes,
            coalesce(sum(charge_fen), 0)::BIGINT AS spend_fen,
            count(*) FILTER (
                WHERE direction = 'out' AND usage_type <> 'data' AND NOT is_segment
                AND (at_second < 7 * 3600 OR at_second >= 23 * 3600)
            ) AS night_out
        FROM event
        GROUP BY subscription_id
    )

    SELECT
        daily.*,
        busiest_hour_out,
        coalesce(max_calls_one_callee_hour, 0) AS max_calls_one_callee_hour,
        coalesce(gaps, 0) AS gaps,
        coalesce(gap_seconds, 0) AS gap_seconds,
        coalesce(gap_seconds_squared, 0) AS gap_seconds_squared,
        coalesce(mobile_steps, 0) AS mobile_steps,
        coalesce(walking_steps, 0) AS walking_steps
    FROM daily
    INNER JOIN busiest USING (subscription_id)
    LEFT JOIN callee USING (subscription_id)
    LEFT JOIN steps USING (subscription_id)
    ORDER BY subscription_id
) TO 'daily_usage.parquet' (FORMAT parquet, COMPRESSION zstd);

COPY (
    WITH call_hour AS (
        SELECT subscription_id, other_party, count(*) AS calls
        FROM event
        WHERE usage_type = 'voice' AND direction = 'out'
        GROUP BY subscription_id, other_party, at_second // 3600
    ),

    top_hour AS (
        SELECT subscription_id, other_party, max(calls) AS max_calls_hour
        FROM call_hour
        GROUP BY subscription_id, other_party
    ),

    pair AS (
        SELECT
            subscription_id,
            other_party,
            bool_or(other_kind = 'mobile') AS is_mobile,
            count(*) FILTER (WHERE usage_type = 'sms' AND direction = 'out') AS sms_out,
            count(*) FILTER (WHERE usage_type = 'sms' AND direction = 'in') AS sms_in,
            count(*) FILTER (WHERE usage_type = 'voice' AND direction = 'out') AS calls_out,
            count(*) FILTER (WHERE usage_type = 'voice' AND direction = 'in') AS calls_in,
            coalesce(sum(duration_s) FILTER (WHERE usage_type = 'voice' AND direction = 'out'), 0)::BIGINT
                AS call_seconds_out,
            coalesce(sum(duration_s) FILTER (WHERE usage_type = 'voice' AND direction = 'in'), 0)::BIGINT
                AS call_seconds_in,
            count(*) FILTER (WHERE usage_type = 'voice' AND direction = 'out' AND duration_s <= 3)
                AS one_ring_calls,
            min(at_second) AS first_second,
            max(at_second) AS last_second
        FROM event
        WHERE NOT is_segment AND usage_type <> 'data'
        GROUP BY subscription_id, other_party
    )

    SELECT
        pair.* EXCLUDE (other_party),
        pseudonym($pepper, 'number', pair.other_party) AS other_party,
        CASE WHEN is_mobile THEN pseudonym($pepper, 'prefix', pair.other_party // 10000) END AS prefix7,
        coalesce(max_calls_hour, 0) AS max_calls_hour
    FROM pair
    LEFT JOIN top_hour USING (subscription_id, other_party)
    ORDER BY subscription_id, other_party
) TO 'daily_pairs.parquet' (FORMAT parquet, COMPRESSION zstd);

COPY (
    SELECT
        subscription_id,
        CASE WHEN served_imei IS NOT NULL THEN pseudonym($pepper, 'imei', served_imei) END AS imei,
        CASE WHEN served_imsi IS NOT NULL THEN pseudonym($pepper, 'imsi', served_imsi) END AS imsi,
        count(*) AS records
    FROM guided
    WHERE served_imei IS NOT NULL OR served_imsi IS NOT NULL
    GROUP BY subscription_id, served_imei, served_imsi
    ORDER BY subscription_id, imei, imsi
) TO 'daily_devices.parquet' (FORMAT parquet, COMPRESSION zstd);
