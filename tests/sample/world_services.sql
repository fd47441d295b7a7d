-- What cannot be in the world of credit and services: each query finds none. Belongs here: invariants. Not here: rates (test_world_services.py).

-- a certificate of a person who was dead when it was issued
FROM world.certificate AS c JOIN world.person AS p USING (person)
WHERE c.kind IN ('id_card', 'driving_licence') AND p.died <= c.issued;

-- a card issued before its holder was sixteen
FROM world.certificate AS c JOIN world.person AS p USING (person)
WHERE c.kind = 'id_card' AND c.issued < p.born + INTERVAL 16 YEAR;

-- a certificate that ends before it begins
FROM world.certificate
WHERE valid_to < valid_from OR ended_on < issued;

-- an end without a state, or a state without an end
FROM world.certificate
WHERE (ended_on IS NULL) <> (end_state IS NULL);

-- two business licences of one entity in force
SELECT entity FROM world.certificate
WHERE kind = 'business_licence' AND ended_on IS NULL GROUP BY entity HAVING count(*) > 1;

-- an entity that ended more than a month ago and whose certificate did not
FROM world.certificate AS c JOIN world.entity AS e USING (entity)
WHERE c.kind IN ('business_licence', 'food_licence') AND e.ended_on >= first_day() AND c.ended_on > e.ended_on + 26;

-- an order that goes back in time
FROM world.hotline
WHERE dispatched_at < received_at OR accepted_at < dispatched_at OR closed_at < coalesce(dispatched_at, received_at) OR visited_at < closed_at OR due_at <= received_at;

-- an order answered at once that was sent to an office
FROM world.hotline
WHERE at_once AND dispatched_at IS NOT NULL;

-- a caller who was dead
FROM world.hotline AS h JOIN world.person AS p USING (person)
WHERE p.died <= h.received_at::DATE;

-- satisfaction that nobody was asked about
FROM world.hotline
WHERE (satisfaction IS NULL) <> (visited_at IS NULL);

-- a case that goes back in time
FROM world.service_case
WHERE accepted_at < applied_at OR promised_at < accepted_at OR result_at < accepted_at;

-- an applicant who was dead
FROM world.service_case AS c JOIN world.person AS p USING (person)
WHERE p.died <= c.applied_at::DATE;

-- a certificate that came out on another day than it was issued
FROM world.service_case AS c JOIN world.certificate AS t USING (certificate)
WHERE c.result_at::DATE <> t.issued;

-- a rating of a case that is not finished, or before its end
FROM world.rating AS r JOIN world.service_case AS c USING (service_case)
WHERE c.result_at IS NULL OR r.rated_at < c.result_at;

-- a good rating that is to be mended, or a bad one that is not
FROM world.rating
WHERE (score <= 2) <> (mend_due IS NOT NULL);

-- a decision for an entity that had ended or been revoked, or was not there yet
FROM (SELECT entity, decided FROM world.grant UNION ALL SELECT entity, decided FROM world.sanction) AS d JOIN world.entity AS e USING (entity)
WHERE d.decided >= coalesce(least(e.ended_on, e.revoked_on), DATE '9999-12-31') OR d.decided <= e.founded;

-- a grade of an entity that was revoked or had ended
FROM world.tax_grade AS g JOIN world.entity AS e USING (entity)
WHERE g.graded_on >= coalesce(least(e.ended_on, e.revoked_on), DATE '9999-12-31');

-- an ended entity that stays on a list for more than eighteen days
FROM world.listing AS l JOIN world.entity AS e USING (entity)
WHERE coalesce(l.removed_on, DATE '9999-12-31') > e.ended_on + 18;

-- a grave penalty without an entry within thirty days
SELECT p.entity FROM (SELECT entity, decided, kinds FROM world.penalty UNION ALL SELECT entity, decided, kinds FROM world.sanction) AS p
LEFT JOIN world.listing AS l ON l.entity = p.entity AND l.list_kind < 4 AND l.listed_on >= p.decided
WHERE p.kinds LIKE '%责令停产停业%' AND p.decided < today() - 30 AND l.listing IS NULL;

-- an entry that is removed before it was made
FROM world.listing
WHERE removed_on <= listed_on OR (removed_on IS NULL) <> (removed_why IS NULL);

-- an organ that is no public body
SELECT organ_uscc FROM (SELECT organ_uscc FROM world.sanction UNION ALL SELECT organ_uscc FROM world.grant UNION ALL SELECT organ_uscc FROM world.permit
    UNION ALL SELECT office_uscc FROM world.hotline UNION ALL SELECT issuer_uscc FROM world.certificate)
WHERE organ_uscc NOT LIKE '11%';
