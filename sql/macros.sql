-- Macros every statement may use. Keep the formulas equal to mingdan/identifiers.py.
-- pseudonym: keyed 60-bit identifier of a number, device or SIM (key in hex). Each kind has a key of
-- its own, of 128 bits: with a number behind it it fits one block of SHA-256, where two cost half more.
CREATE MACRO pseudonym(key_hex, kind, value) AS
    ('0x' || substr(sha256(substr(sha256(key_hex || ':' || kind), 1, 32) || value), 1, 15))::BIGINT;
-- digest_id: deterministic 60-bit id of a text, for records that have none.
CREATE MACRO digest_id(value) AS ('0x' || substr(sha256(value), 1, 15))::BIGINT;
-- ratio: null where there is nothing to divide by; computed last, from integers.
CREATE MACRO ratio(part, whole) AS CASE WHEN whole > 0 THEN part::DOUBLE / whole::DOUBLE END;
-- week_start: Monday 00:00 Asia/Shanghai (UTC+8, no summer time) of an instant's week, in UTC.
CREATE MACRO week_start(instant) AS date_trunc('week', instant + INTERVAL 8 HOUR)::TIMESTAMP - INTERVAL 8 HOUR;
-- deviation: population standard deviation from the integer sums of squares and of values.
CREATE MACRO deviation(squares, whole, parts) AS
    CASE WHEN parts > 0 THEN sqrt((parts::HUGEINT * squares - whole::HUGEINT * whole)::DOUBLE) / parts::DOUBLE END;
-- log_weight: n ln n in units of 2^-32, an integer, so that its sum does not depend on the order.
CREATE MACRO log_weight(n) AS CASE WHEN n > 1 THEN round(n * ln(n) * 4294967296)::BIGINT ELSE 0 END;
-- entropy_of: in nats, of `kinds` counts that add up to `whole`, from the sum of their log_weight;
-- to nine decimals, which no processor's logarithm disturbs.
CREATE MACRO entropy_of(log_weights, whole, kinds) AS CASE
    WHEN kinds = 1 THEN 0
    WHEN kinds > 1 THEN floor((ln(whole) - log_weights::DOUBLE / 4294967296 / whole) * 1e9 + 0.5) / 1e9
END;
