-- Per person the newest registration: a divorce after a marriage of the same day.
SELECT e.id AS "id", e.op_type AS "op_type", e.op_date AS "op_date", e.batch AS "batch", e.row AS "row"
FROM (
  SELECT m.man_id AS "id", m.op_type AS "op_type", m.op_date AS "op_date", m.cert_no AS "cert_no", m._batch AS "batch", m._row AS "row"
  FROM std.marriage_registration AS m WHERE m.op_type IN ('IA', 'IB')
  UNION ALL
  SELECT m.woman_id AS "id", m.op_type AS "op_type", m.op_date AS "op_date", m.cert_no AS "cert_no", m._batch AS "batch", m._row AS "row"
  FROM std.marriage_registration AS m WHERE m.op_type IN ('IA', 'IB')
) AS e
QUALIFY row_number() OVER (PARTITION BY e.id ORDER BY e.op_date DESC, e.op_type DESC, e.cert_no DESC) = 1
