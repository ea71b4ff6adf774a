-- grain: one line set aside, of the files being landed and of that day's other sources
-- key: file, line
-- inputs: staged_quarantine (files being landed), usage_quarantine (that day's other sources)
SELECT
    source,
    file,
    line,
    reason,
    field,
    raw
FROM staged_quarantine
UNION ALL
SELECT
    source,
    file,
    line,
    reason,
    field,
    raw
FROM usage_quarantine
WHERE NOT list_contains($landing, source)
