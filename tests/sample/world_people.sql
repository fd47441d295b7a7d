-- What cannot be in the world of people: each query finds none. Belongs here: invariants. Not here: rates (test_world_people.py).

-- a number of people that was not asked for
SELECT count(*) FROM world.person HAVING count(*) <> people() OR max(person) <> people() - 1;

-- two people with one id
SELECT id_number FROM world.person GROUP BY ALL HAVING count(*) > 1;

-- an id with a wrong check character
FROM world.person
WHERE NOT resident_id_checks(id_number);

-- an id of a place that exists
FROM world.person
WHERE id_number NOT SIMILAR TO '2199(0[1-9]|1[0-4]|21)[0-9]{11}[0-9X]';

-- an id that tells another birth date
FROM world.person
WHERE substr(id_number, 7, 8) <> compact(born);

-- an id that tells the other sex
FROM world.person
WHERE (substr(id_number, 17, 1)::INTEGER % 2 = 1) <> male;

-- a telephone that somebody may have
FROM world.person
WHERE phone NOT SIMILAR TO '100[0-9]{8}';

-- a name without a surname or a given name
FROM world.person
WHERE length(name) < 2;

-- a birth in the future or over 105 years ago
FROM world.person
WHERE born >= today() OR born < today() - 105 * 366;

-- a home without a head, or with two
SELECT home FROM world.person GROUP BY ALL HAVING count(*) FILTER (role = 0) <> 1;

-- a home in pieces
FROM world.person AS p JOIN world.home AS h USING (home)
WHERE p.person NOT BETWEEN h.head AND h.head + h.size - 1;

-- a spouse of the head's own sex
FROM world.person AS a
JOIN world.person AS b USING (home, male)
WHERE a.role = 0 AND b.role = 1;

-- a child older than a parent by less than 15 years
FROM (SELECT born, unnest([mother, father]) AS parent FROM world.person) AS c JOIN world.person AS p ON p.person = c.parent
WHERE c.born < p.born + 15 * 365;

-- a death before birth or out of the 24 months
FROM world.person
WHERE died < born OR died NOT BETWEEN first_day() AND today();

-- a wedding before the age
FROM world.marriage AS m JOIN world.person AS a ON a.person = m.man
JOIN world.person AS b ON b.person = m.woman
WHERE m.married_on < (a.born + INTERVAL 22 YEAR)::DATE OR m.married_on < (b.born + INTERVAL 20 YEAR)::DATE OR NOT a.male OR b.male;

-- a wedding or divorce after death, or in the future
FROM (SELECT married_on, divorced_on, unnest([man, woman]) AS person FROM world.marriage) AS m JOIN world.person AS p USING (person)
WHERE greatest(m.married_on, m.divorced_on) > coalesce(p.died, today());

-- a divorce before the wedding
FROM world.marriage
WHERE divorced_on <= married_on;

-- two live marriages
SELECT person FROM world.spouse
WHERE divorced_on IS NULL GROUP BY ALL HAVING count(*) > 1;

-- two certificates with one number
SELECT no FROM (SELECT cert_no AS no FROM world.marriage
UNION ALL SELECT divorce_cert_no FROM world.marriage
UNION ALL SELECT cert_no FROM world.birth
UNION ALL SELECT cert_no FROM world.death)
WHERE no IS NOT NULL GROUP BY ALL HAVING count(*) > 1;

-- a mother of the months younger than 20 or older than 45
FROM world.birth AS b JOIN world.person AS m ON m.person = b.mother
WHERE date_sub('year', m.born, b.born_at::DATE) NOT BETWEEN 20 AND 44;

-- a mother who is a man, or dead
FROM world.birth AS b JOIN world.person AS m ON m.person = b.mother
WHERE m.male OR m.died < b.born_at::DATE;

-- siblings less than nine months apart
FROM world.person AS a
JOIN world.person AS b ON a.mother = b.mother AND a.person < b.person
WHERE abs(a.born - b.born) < 270;

-- a child of the months without a birth, or born another day
FROM world.person AS p LEFT JOIN world.birth AS b ON b.child = p.person
WHERE p.born >= first_day() AND p.local AND b.born_at::DATE IS DISTINCT FROM p.born;

-- a death that is not the person's, a cremation before it
FROM world.death AS d JOIN world.person AS p USING (person)
WHERE d.died_at::DATE IS DISTINCT FROM p.died OR d.cremated_at <= d.died_at;

-- a death without papers
FROM world.person AS p
ANTI JOIN world.death AS d USING (person)
WHERE p.died IS NOT NULL;

-- work before 18, after retirement, after the end
FROM world.job AS j JOIN world.person AS p USING (person)
JOIN world.livelihood AS l USING (person)
WHERE j.begun < (p.born + INTERVAL 18 YEAR)::DATE OR coalesce(j.ended, today()) > least(l.retires_on, coalesce(p.died, p.left_on, today())) OR j.begun >= j.ended;

-- two jobs at once
FROM world.job AS a JOIN world.job AS b ON b.job = a.job + 1 AND a.job % 2 = 0
WHERE a.ended IS NULL OR b.begun <= a.ended;

-- work for an employer that has ended
FROM world.job AS j JOIN world.entity AS e USING (entity)
WHERE coalesce(j.ended, today()) > least(e.ended_on, e.revoked_on);

-- insurance under 16
FROM world.insurance AS i JOIN world.person AS p USING (person)
WHERE i.begun < (p.born + INTERVAL 16 YEAR)::DATE;

-- two pensions
SELECT person FROM world.insurance
WHERE insurance IN ('110', '120', '170') GROUP BY ALL HAVING count(*) > 1;

-- insurance that outlives a person
FROM (SELECT person, ended FROM world.insurance
UNION ALL SELECT person, ended FROM world.medical) AS i JOIN world.person AS p USING (person)
WHERE coalesce(p.died, p.left_on) < coalesce(i.ended, today());

-- two medical insurances at once
FROM world.medical AS a JOIN world.medical AS b ON a.person = b.person AND a.nth < b.nth
WHERE greatest(a.begun, b.begun) < least(coalesce(a.ended, DATE '9999-12-31'), coalesce(b.ended, DATE '9999-12-31'));

-- an allowance holder without medical insurance, or at work
FROM world.allowance_member AS m
WHERE m.person NOT IN (SELECT person FROM world.medical) OR m.person IN (SELECT person FROM world.job);

-- an allowance paid to nobody
FROM world.allowance AS a
ANTI JOIN world.allowance_member AS m USING (home);
