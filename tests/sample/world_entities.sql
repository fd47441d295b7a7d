-- What cannot be in the world of entities and licences: each query finds none. Belongs here: invariants. Not here: rates (test_world_entities.py).

-- two entities of one credit code
SELECT uscc FROM world.entity
WHERE uscc IS NOT NULL GROUP BY uscc HAVING count(*) > 1;

-- an entity without a code that is no branch of a society
FROM world.entity
WHERE uscc IS NULL AND NOT (register = 'social' AND parent IS NOT NULL);

-- a code whose head is not of its register
FROM world.entity
WHERE left(uscc, 1) <> CASE register WHEN 'market' THEN '9' WHEN 'public' THEN '1' ELSE '5' END;

-- one name for two entities, at any time
SELECT name FROM world.entity_name
GROUP BY name HAVING count(DISTINCT entity) > 1;

-- names, seats or representatives of one entity that overlap or leave a gap
FROM (SELECT entity, since, until, lead(since) OVER (PARTITION BY entity ORDER BY since) AS next FROM world.entity_name
    UNION ALL SELECT entity, since, until, lead(since) OVER (PARTITION BY entity ORDER BY since) FROM world.entity_move
    UNION ALL SELECT entity, since, until, lead(since) OVER (PARTITION BY entity ORDER BY since) FROM world.entity_rep)
WHERE until IS DISTINCT FROM next OR until <= since;

-- an entity that ended, or was revoked, before it was founded, or after today
FROM world.entity
WHERE least(ended_on, revoked_on) <= founded OR greatest(ended_on, revoked_on) > today() OR revoked_on >= ended_on;

-- a state that does not say what happened
FROM world.entity
WHERE (state = '1') <> (ended_on IS NULL AND revoked_on IS NULL) OR (state = '2') <> (revoked_on IS NOT NULL AND ended_on IS NULL);

-- an act of registration before the founding or in the future
FROM world.entity_act AS a JOIN world.entity AS e USING (entity)
WHERE a.day < e.founded OR a.day > today();

-- a representative who had died when he was entered
FROM world.entity_rep AS r JOIN world.person AS p USING (person)
WHERE p.died < r.since;

-- a representative whose home has an allowance
FROM world.entity_rep AS r JOIN world.person AS p USING (person)
WHERE p.needy;

-- a live entity whose representative has been dead for more than sixty days
FROM world.entity AS e JOIN world.person AS p ON p.person = e.rep
WHERE e.state = '1' AND p.died < today() - 60;

-- a branch of a branch, or of itself
FROM world.entity AS e JOIN world.entity AS p ON p.entity = e.parent
WHERE p.parent IS NOT NULL OR p.entity = e.entity;

-- two licences of one number
SELECT licence_no FROM world.licence
GROUP BY licence_no HAVING count(DISTINCT entity) > 1;

-- a licence decided before its holder was founded, or after it was revoked or ended
FROM world.licence AS l JOIN world.entity AS e USING (entity)
WHERE l.decided < e.founded OR l.decided > coalesce(least(e.ended_on, e.revoked_on), today());

-- a licence whose term is not five years less a day
FROM world.licence
WHERE valid_to <> valid_from + INTERVAL 5 YEAR - INTERVAL 1 DAY OR decided > valid_from;

-- a licence that outlived its holder by more than twenty days
FROM world.licence AS l JOIN world.entity AS e USING (entity)
WHERE least(e.ended_on, e.revoked_on) <= today() - 21 AND l.ended_on IS NULL
    AND l.round = (SELECT max(o.round) FROM world.licence AS o WHERE o.entity = l.entity AND o.kind = l.kind);

-- a check outside its task, or of an entity that had ended more than a month before the objects were drawn
FROM world.inspection AS i JOIN world.inspection_task AS t USING (task) JOIN world.entity AS e USING (entity)
WHERE i.checked_on NOT BETWEEN t.begins AND t.ends OR coalesce(least(e.ended_on, e.revoked_on), t.begins) <= t.begins - 30;

-- a result that another contradicts
FROM world.inspection
WHERE list_contains(results, '1') AND len(results) > 1;

-- who was not reached twice and stands on no list
SELECT entity FROM world.inspection
WHERE list_contains(results, '6') AND entity NOT IN (SELECT entity FROM world.abnormal) GROUP BY entity HAVING count(*) > 1;

-- a penalty without a party, or with two
FROM world.penalty
WHERE (entity IS NULL) = (person IS NULL);

-- a penalty of an entity that had ended, or of a person who had died
FROM world.penalty AS x LEFT JOIN world.entity AS e USING (entity) LEFT JOIN world.person AS p ON p.person = x.person
WHERE x.decided >= coalesce(least(e.ended_on, e.revoked_on), p.died, today() + 1);

-- a fine without an amount, or an amount without a fine
FROM world.penalty
WHERE (kinds LIKE '%罚款%') <> (fine IS NOT NULL);

-- an organ that is no public body
SELECT organ_uscc FROM (SELECT organ_uscc FROM world.licence UNION SELECT organ_uscc FROM world.inspection UNION SELECT organ_uscc FROM world.penalty)
WHERE organ_uscc NOT IN (SELECT uscc FROM world.entity WHERE register = 'public' AND uscc IS NOT NULL);
