-- All features of the day: the windows side by side, with account, devices and complaints.
-- grain: one subscription active in the last 30 days
-- key: subscription_id
-- inputs: active, window_1d, window_7d, window_30d, pareto, rhythm, places, main_device,
--         device_subscriptions, subscriptions, complaints, complaints_withdrawn
WITH one AS (
    SELECT
        subscription_id,
        COLUMNS(* EXCLUDE (subscription_id)) AS "\0_1d" -- noqa: RF05
    FROM window_1d
),

seven AS (
    SELECT
        subscription_id,
        COLUMNS(* EXCLUDE (subscription_id)) AS "\0_7d" -- noqa: RF05
    FROM window_7d
),

thirty AS (
    SELECT
        subscription_id,
        COLUMNS(* EXCLUDE (subscription_id)) AS "\0_30d" -- noqa: RF05
    FROM window_30d
),

complained AS (
    SELECT
        subscription_id,
        count(*) AS complaints_30d,
        count(DISTINCT reporter_number) AS complainants_30d,
        count(DISTINCT date) AS complaint_days_30d,
        $day::DATE - max(date) AS days_since_complaint_30d
    FROM complaints
    WHERE complaint_id NOT IN (SELECT complaint_id FROM complaints_withdrawn)
    GROUP BY subscription_id
)

SELECT
    one.*,
    seven.*,
    thirty.*,
    pareto.text_pareto_30d,
    pareto.call_pareto_30d,
    pareto.call_seconds_pareto_30d,
    rhythm.text_gap_mean_30d,
    rhythm.text_gap_std_30d,
    rhythm.call_gap_mean_30d,
    rhythm.call_gap_std_30d,
    places.cell_entropy_30d,
    places.home_share_30d,
    coalesce(places.cells_30d, 0) AS cells_30d,
    coalesce(places.areas_30d, 0) AS areas_30d,
    coalesce(places.frequent_cells_30d, 0) AS frequent_cells_30d,
    main_device.main_device_share_30d,
    device_subscriptions.subscriptions_per_imei_7d,
    coalesce(complained.complaints_30d, 0) AS complaints_30d,
    coalesce(complained.complainants_30d, 0) AS complainants_30d,
    coalesce(complained.complaint_days_30d, 0) AS complaint_days_30d,
    complained.days_since_complaint_30d,
    ratio(100 * coalesce(complained.complaints_30d, 0), thirty.reached_30d) AS complaint_rate_30d,
    coalesce(held.party_id, active.subscription_id) AS party_id,
    coalesce(held.sender_kind, 'person') AS sender_kind,
    held.payment_kind,
    held.status = 'suspended' AS suspended,
    held.arrears_fen,
    held.arrears_days,
    ratio(held.arrears_fen, thirty.spend_fen_30d) AS arrears_per_spend_30d,
    held.party_cards,
    (epoch_us($day_end) - epoch_us(held.activated_at) - 1) // 86400000000 AS account_age_days
FROM active
INNER JOIN one USING (subscription_id)
INNER JOIN seven USING (subscription_id)
INNER JOIN thirty USING (subscription_id)
LEFT JOIN pareto USING (subscription_id)
LEFT JOIN rhythm USING (subscription_id)
LEFT JOIN places USING (subscription_id)
LEFT JOIN main_device USING (subscription_id)
LEFT JOIN device_subscriptions USING (subscription_id)
LEFT JOIN complained USING (subscription_id)
LEFT JOIN subscriptions AS held USING (subscription_id)
