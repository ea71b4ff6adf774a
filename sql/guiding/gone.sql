-- Records guided before that are no longer in usage, or only in another copy.
-- grain: one usage record
-- key: record_id
-- inputs: old_guided, usage
SELECT record_id
FROM old_guided
ANTI JOIN usage USING (record_id, source_file, source_line)
