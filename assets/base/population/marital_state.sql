-- What marriage registration and the register say, and whether the spouse has died since: a widow is nobody's registration.
-- Most people's spouse is not known: joined with the others they would be one heap of rows without a key, which no join can divide.
SELECT
    p.id_number AS "id_number",
    p.marital AS "marital",
    p.marital_since AS "since",
    NULL AS "spouse_id",
    NULL AS "spouse_name",
    NULL AS "spouse_life"
FROM base.population AS p
WHERE p.marital IS NOT NULL AND p.spouse_id IS NULL
UNION ALL
SELECT
    p.id_number AS "id_number",
    CASE WHEN s.death_date >= p.marital_since AND s.life = '2' AND p.marital = '20' THEN '30' ELSE p.marital END AS "marital",
    CASE WHEN s.death_date >= p.marital_since AND s.life = '2' AND p.marital = '20' THEN s.death_date ELSE p.marital_since END AS "since",
    p.spouse_id AS "spouse_id",
    s.name AS "spouse_name",
    s.life AS "spouse_life"
FROM base.population AS p
LEFT JOIN base.population AS s ON s.id_number = p.spouse_id
WHERE p.marital IS NOT NULL AND p.spouse_id IS NOT NULL
