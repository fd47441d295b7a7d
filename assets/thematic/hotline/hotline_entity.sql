-- Orders by the entity that they concern. An order without a credit code is linked where name and district are those of one entity.
WITH named AS (
    SELECT e.name AS "name", e.div AS "div", min(e.uscc) AS "uscc"
    FROM std.market_entity AS e
    WHERE e.name IS NOT NULL AND e.uscc IS NOT NULL
    GROUP BY e.name, e.div
    HAVING count(DISTINCT e.uscc) = 1
),
linked AS (
    SELECT
        coalesce(h.entity_uscc, n.uscc) AS "uscc",
        strftime(h.received_at, '%Y%m') AS "month",
        h.kind AS "kind",
        h.satisfaction AS "satisfaction",
        h.entity_uscc IS NULL AS "by_name"
    FROM std.hotline_order AS h
    LEFT JOIN named AS n ON n.name = CASE WHEN h.entity_uscc IS NULL THEN h.entity_name END AND n.div = h.div
    WHERE h.received_at IS NOT NULL
)
SELECT
    l.uscc AS "uscc",
    l.month AS "month",
    any_value(e.name) AS "name",
    any_value(e.state) AS "state",
    any_value(e.div) AS "div",
    count(*) AS "orders",
    count(*) FILTER (l.kind = '3') AS "complaints",
    count(*) FILTER (l.kind = '4') AS "reports",
    count(*) FILTER (l.by_name) AS "by_name",
    count(*) FILTER (l.satisfaction IN ('1', '2')) AS "unsatisfied"
FROM linked AS l
LEFT JOIN base.legal_entity AS e ON e.uscc = l.uscc
WHERE l.uscc IS NOT NULL
GROUP BY l.uscc, l.month
