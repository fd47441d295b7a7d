-- The same without the register's own word.
SELECT u.id AS "id", u.died AS "died", u.source AS "source", u.batch AS "batch", u.row AS "row"
FROM (
  SELECT d.id_number AS "id", CAST(d.died_at AS DATE) AS "died", 'death_certificate' AS "source", 1 AS "rank", d._batch AS "batch", d._row AS "row"
  FROM std.death_certificate AS d WHERE d.id_number IS NOT NULL AND d.died_at IS NOT NULL
  UNION ALL
  SELECT c.id_number AS "id", c.died_on AS "died", 'cremation' AS "source", 2 AS "rank", c._batch AS "batch", c._row AS "row"
  FROM std.cremation AS c WHERE c.id_number IS NOT NULL AND c.died_on IS NOT NULL
) AS u
QUALIFY row_number() OVER (PARTITION BY u.id ORDER BY u.rank, u.died, u.batch, u.row) = 1
