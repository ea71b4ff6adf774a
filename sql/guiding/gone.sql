-- Records guided before that must not stay so: no longer in usage, only in another copy, or
-- of a SIM, number or subscription that is now known to have been held otherwise.
-- grain: one usage record; may repeat
-- key: none
-- inputs: old_guided, usage, moved
SELECT record_id
FROM old_guided
ANTI JOIN usage USING (record_id, source_file, source_line)
UNION ALL
SELECT record_id
FROM old_guided
WHERE
    guided_by <> 'self'
    AND (
        served_imsi IN (SELECT moved.key FROM moved WHERE moved.key_kind = 'imsi')
        OR served_msisdn IN (SELECT moved.key FROM moved WHERE moved.key_kind = 'msisdn')
        OR subscription_id IN (SELECT moved.key FROM moved WHERE moved.key_kind = 'subscription')
    )
