-- Macros every statement may use. Keep the formulas equal to mingdan/identifiers.py.
-- pseudonym: keyed 60-bit identifier of a number, device or SIM (key in hex).
CREATE MACRO pseudonym(key_hex, kind, value) AS
    ('0x' || substr(sha256(key_hex || ':' || kind || ':' || value), 1, 15))::BIGINT;
-- digest_id: deterministic 60-bit id of a text, for records that have none.
CREATE MACRO digest_id(value) AS ('0x' || substr(sha256(value), 1, 15))::BIGINT;
-- ratio: null where there is nothing to divide by; computed last, from integers.
CREATE MACRO ratio(part, whole) AS CASE WHEN whole > 0 THEN part::DOUBLE / whole::DOUBLE END;
-- week_start: Monday 00:00 Asia/Shanghai (UTC+8, no summer time) of an instant's week, in UTC.
CREATE MACRO week_start(instant) AS date_trunc('week', instant + INTERVAL 8 HOUR)::TIMESTAMP - INTERVAL 8 HOUR;
