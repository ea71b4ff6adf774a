-- Blocking check: shares outside 0-1, negative counts, windows that do not contain one another.
-- grain: one row
-- key: none
-- inputs: features
SELECT
    count(*) FILTER (
        WHERE
        received_share_30d NOT BETWEEN 0 AND 1
        OR reciprocated_share_30d NOT BETWEEN 0 AND 1
        OR night_share_30d NOT BETWEEN 0 AND 1
        OR new_recipient_share_1d NOT BETWEEN 0 AND 1
        OR one_ring_share_30d NOT BETWEEN 0 AND 1
        OR walking_score_30d NOT BETWEEN 0 AND 1
        OR text_response_rate_30d NOT BETWEEN 0 AND 1
        OR initiated_conversation_share_30d NOT BETWEEN 0 AND 1
        OR home_share_30d NOT BETWEEN 0 AND 1
        OR text_pareto_30d NOT BETWEEN 0 AND 1
        OR text_entropy_30d NOT BETWEEN 0 AND ln(text_contacts_30d) + 1e-8
        OR cell_entropy_30d NOT BETWEEN 0 AND ln(cells_30d) + 1e-8
        OR frequent_cells_30d > cells_30d
        OR text_contacts_7d > text_contacts_30d
        OR sms_out_1d < 0
        OR sms_out_1d > sms_out_7d
        OR sms_out_7d > sms_out_30d
        OR recipients_1d > recipients_7d
        OR recipients_7d > recipients_30d
        OR recipients_30d > sms_out_30d
    ) AS failing,
    count(*) AS subscriptions
FROM features
