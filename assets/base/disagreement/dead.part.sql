-- Per person who is dead by any department's word, the record nearest to the event: death certificate, then cremation, then register.
SELECT u.id AS "id", u.died AS "died", u.source AS "source", u.batch AS "batch", u.row AS "row"
FROM all_dead AS u
QUALIFY row_number() OVER (PARTITION BY u.id ORDER BY u.rank, u.died, u.batch, u.row) = 1
