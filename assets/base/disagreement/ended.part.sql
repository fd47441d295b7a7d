-- Per entity whose registration was withdrawn or cancelled, the record of the register that says so. Institutions that were cancelled
-- (2) or done away with (4), and societies that were cancelled (2), are ended as a company is (3, 4).
SELECT e.uscc AS "uscc", e.end_date AS "day", e.state AS "state", 'market_entity' AS "source", e._batch AS "batch", e._row AS "row"
FROM std.market_entity AS e
WHERE e.state IN ('3', '4') AND e.end_date IS NOT NULL
UNION ALL
SELECT b.uscc AS "uscc", b.end_date AS "day", b.state AS "state", 'public_body' AS "source", b._batch AS "batch", b._row AS "row"
FROM std.public_body AS b
WHERE b.state IN ('2', '4') AND b.end_date IS NOT NULL
UNION ALL
SELECT s.uscc AS "uscc", s.end_date AS "day", s.status AS "state", 'social_organisation' AS "source", s._batch AS "batch", s._row AS "row"
FROM std.social_organisation AS s
WHERE s.status = '2' AND s.is_branch = '0' AND s.end_date IS NOT NULL
