-- Every name under which one of the three registration authorities knows somebody, the former one too, with the record that bears it.
SELECT e.uscc AS "uscc", unnest([e.name, e.former_name]) AS "name", 'market_entity' AS "source", e._batch AS "batch", e._row AS "row"
FROM std.market_entity AS e
UNION ALL
SELECT b.uscc AS "uscc", unnest([b.name1, b.name2, b.name3]) AS "name", 'public_body' AS "source", b._batch AS "batch", b._row AS "row"
FROM std.public_body AS b
UNION ALL
SELECT s.uscc AS "uscc", s.name AS "name", 'social_organisation' AS "source", s._batch AS "batch", s._row AS "row"
FROM std.social_organisation AS s
