-- Entities that stand in a register without a credit code, by the next best key: the registration number, else name and division.
-- Once the code is handed over the row stands in base.legal_entity, and no longer here.
WITH registered AS (
    SELECT
        m.reg_no AS "reg_no", m.entity_key AS "entity_key", m.name AS "name", m.div AS "div", m.rep_name AS "rep_name",
        m.founded AS "founded", m.state AS "state", m.approved AS "said_on", 'market_entity' AS "said_by", m._batch AS "batch", m._row AS "row"
    FROM std.market_entity AS m
    WHERE m.uscc IS NULL
    UNION ALL
    SELECT
        s.reg_no AS "reg_no", NULL AS "entity_key", s.name AS "name", s.div AS "div", s.legal_rep AS "rep_name",
        s.founded AS "founded", CASE s.status WHEN '1' THEN '1' WHEN '2' THEN '4' WHEN '3' THEN '5' END AS "state",
        s.valid_from AS "said_on", 'social_organisation' AS "said_by", s._batch AS "batch", s._row AS "row"
    FROM std.social_organisation AS s
    WHERE s.uscc IS NULL AND s.is_branch = '0'
),
keyed AS (
    SELECT
        CASE
            WHEN r.reg_no IS NOT NULL THEN 'REG:' || r.reg_no
            ELSE 'NAME:' || translate(coalesce(r.name, ''), '（） ', '()') || '@' || coalesce(r.div, '')
        END AS "provisional_key",
        r.name AS "name", r.reg_no AS "reg_no", r.entity_key AS "entity_key", r.div AS "div", r.rep_name AS "rep_name",
        r.founded AS "founded", r.state AS "state", r.said_on AS "said_on", r.said_by AS "said_by", r.batch AS "batch", r.row AS "row"
    FROM registered AS r
)
SELECT
    k.provisional_key AS "provisional_key",
    k.name AS "name",
    k.reg_no AS "reg_no",
    k.entity_key AS "entity_key",
    k.div AS "div",
    k.rep_name AS "rep_name",
    k.founded AS "founded",
    k.state AS "state",
    k.said_by AS "said_by",
    k.batch AS "batch",
    k.row AS "row"
FROM keyed AS k
QUALIFY row_number() OVER (PARTITION BY k.provisional_key ORDER BY k.said_on DESC NULLS LAST, k.said_by, k.batch, k.row) = 1
