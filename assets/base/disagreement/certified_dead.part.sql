-- The same without the register's own word.
SELECT u.id AS "id", u.died AS "died", u.source AS "source", u.batch AS "batch", u.row AS "row"
FROM all_dead AS u
WHERE u.source <> 'population_register'
QUALIFY row_number() OVER (PARTITION BY u.id ORDER BY u.rank, u.died, u.batch, u.row) = 1
