-- Marriages and divorces, one row a spouse.
SELECT m.man_id AS "id", m.woman_id AS "spouse", m.op_type AS "op_type", m.op_date AS "op_date", m.cert_no AS "cert_no", m._batch AS "batch", m._row AS "row"
FROM std.marriage_registration AS m WHERE m.op_type IN ('IA', 'IB')
UNION ALL
SELECT m.woman_id AS "id", m.man_id AS "spouse", m.op_type AS "op_type", m.op_date AS "op_date", m.cert_no AS "cert_no", m._batch AS "batch", m._row AS "row"
FROM std.marriage_registration AS m WHERE m.op_type IN ('IA', 'IB')
