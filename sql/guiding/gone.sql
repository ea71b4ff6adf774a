-- Records guided before that must not stay so: no longer in usage, only in another copy, or
-- of a SIM, number or subscription that is now known to have been held otherwise.
-- grain: one usage record; may repeat
-- key: none
-- inputs: old_guided, usage, moved
SELECT record_id
FROM old_guided
ANTI JOIN usage USING (record_id, source_file, source_line)
UNION ALL
SELECT old_guided.record_id
FROM old_guided
SEMI JOIN moved
    ON
        moved.moved_kind = 'imsi'
        AND moved.moved_key = old_guided.served_imsi
UNION ALL
SELECT old_guided.record_id
FROM old_guided
SEMI JOIN moved
    ON
        moved.moved_kind = 'msisdn'
        AND moved.moved_key = old_guided.served_msisdn
UNION ALL
SELECT old_guided.record_id
FROM old_guided
SEMI JOIN moved
    ON
        moved.moved_kind = 'subscription'
        AND moved.moved_key = old_guided.subscription_id
