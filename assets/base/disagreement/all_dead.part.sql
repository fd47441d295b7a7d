-- Every record by which somebody is dead.
SELECT d.id_number AS "id", CAST(d.died_at AS DATE) AS "died", 'death_certificate' AS "source", 1 AS "rank", d._batch AS "batch", d._row AS "row"
FROM std.death_certificate AS d WHERE d.id_number IS NOT NULL AND d.died_at IS NOT NULL
UNION ALL
SELECT c.id_number AS "id", c.died_on AS "died", 'cremation' AS "source", 2 AS "rank", c._batch AS "batch", c._row AS "row"
FROM std.cremation AS c WHERE c.id_number IS NOT NULL AND c.died_on IS NOT NULL
UNION ALL
SELECT r.id_number AS "id", r.death_date AS "died", 'population_register' AS "source", 3 AS "rank", r._batch AS "batch", r._row AS "row"
FROM std.population_register AS r WHERE r.dead = '1' AND r.death_date IS NOT NULL
