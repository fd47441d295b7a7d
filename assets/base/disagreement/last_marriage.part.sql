-- Per person the newest registration: a divorce after a marriage of the same day.
SELECT e.id AS "id", e.spouse AS "spouse", e.op_type AS "op_type", e.op_date AS "op_date", e.batch AS "batch", e.row AS "row"
FROM wedding AS e
QUALIFY row_number() OVER (PARTITION BY e.id ORDER BY e.op_date DESC, e.op_type DESC, e.cert_no DESC) = 1
