-- Every credit code that one of the three registration authorities knows.
SELECT e.uscc AS "uscc" FROM std.market_entity AS e WHERE e.uscc IS NOT NULL
UNION
SELECT b.uscc AS "uscc" FROM std.public_body AS b WHERE b.uscc IS NOT NULL
UNION
SELECT s.uscc AS "uscc" FROM std.social_organisation AS s WHERE s.uscc IS NOT NULL
