-- Households and the people in them, from the number of people alone. What befalls a household in the 24 months is drawn once, in
-- world.family, and everybody's own line follows from it; nothing is sorted over all people but the order numbers of ids.
-- Belongs here: who there is, where they live, whose children they are. Not here: papers about lives (lives.sql), work (work.sql).

-- A county for each of 10,000 equal draws, by its city's share of the people.
CREATE OR REPLACE TABLE world.place AS
SELECT b.bucket::INTEGER AS bucket, y.unit, y.name AS city, y.id_prefix::BIGINT AS prefix, c.county, coalesce(nullif(c.name, ''), d.name) AS county_name
FROM range(10000) AS b (bucket)
JOIN world.word_city AS y ON (b.bucket + 0.5) / 10000 < y.below AND (b.bucket + 0.5) / 10000 >= y.below - y.share
JOIN world.word_county AS c ON c.unit = y.unit AND c.n = b.bucket % c."of"
LEFT JOIN world.word_division AS d ON d.code = c.county
ORDER BY bucket;

-- Homes of 1 to 5 people come in blocks of 50 homes and 125 people, so that a home's first person is known without counting.
-- In six counties, those that hand over rosters, about a third of the homes receive an allowance (`needy`).
CREATE OR REPLACE TABLE world.family AS
WITH
    slot AS (
        SELECT slot, size, (sum(size) OVER (ORDER BY slot) - size)::BIGINT AS before
        FROM (SELECT unnest(range(50)) AS slot, unnest([2, 3, 1, 3, 2, 4, 1, 3, 2, 5, 1, 2, 3, 2, 3, 1, 4, 2, 3, 1, 2, 3, 2, 1, 3,
            4, 2, 5, 3, 1, 2, 3, 4, 2, 1, 3, 2, 3, 1, 4, 2, 3, 1, 5, 2, 3, 4, 1, 2, 3]) AS size)),
    laid AS (
        SELECT h.home, 125 * (h.home // 50) + s.before AS head, least(s.size, people() - (125 * (h.home // 50) + s.before))::INTEGER AS size,
            (draw('place', h.home) * 10000)::BIGINT % 10000 AS bucket, (draw('place after', h.home) * 10000)::BIGINT % 10000 AS bucket_after
        FROM range(ceil(people() / 125.0)::BIGINT * 50) AS h (home) JOIN slot AS s ON s.slot = h.home % 50
        WHERE within(h.home) AND 125 * (h.home // 50) + s.before < people()),
    placed AS (
        SELECT l.*, a.unit AS unit_before, a.county AS county_before, a.city AS city_before, a.county_name AS county_name_before, a.prefix,
            b.unit AS unit_after, b.county AS county_after, b.city AS city_after, b.county_name AS county_name_after
        FROM laid AS l JOIN world.place AS a ON a.bucket = l.bucket JOIN world.place AS b ON b.bucket = l.bucket_after),
    shaped AS (
        SELECT *, CASE WHEN size = 2 THEN draw('couple', home) < 0.82 ELSE size > 2 END AS couple, draw('head male', home) < 0.72 AS head_male,
            draw('local', home) >= 0.055 AS local, draw('newcomer', home) < 0.012 AS late
        FROM placed),
    known AS (
        SELECT * EXCLUDE (late), CASE WHEN couple THEN size - 2 - (size = 5)::INTEGER ELSE size - 1 END AS children, local AND late AS newcomer,
            local AND NOT late AS settled,
            local AND NOT late AND county_before IN ('210103', '210211', '210321', '210411', '210727', '211321')
                AND draw('needy', home) < CASE size WHEN 1 THEN 0.55 WHEN 2 THEN 0.4 WHEN 3 THEN 0.28 ELSE 0.2 END AS needy
        FROM shaped),
    aged AS (
        SELECT *, CASE size
            WHEN 1 THEN CASE WHEN draw('young', home) < CASE WHEN needy THEN 0.1 ELSE 0.35 END THEN 20 + 14 * draw('age', home)
                ELSE tent(draw('age', home), 30, 68, 96) END
            WHEN 2 THEN tent(draw('age', home), 25, 48, 89) WHEN 3 THEN tent(draw('age', home), 26, 40, 78)
            WHEN 4 THEN tent(draw('age', home), 30, 42, 74) ELSE tent(draw('age', home), 32, 44, 66) END AS head_age
        FROM known),
    paired AS (
        -- the youngest over a year: a whole province of them on one day would have more births than order numbers
        SELECT *, CASE WHEN couple THEN greatest(draw('youngest', home) + CASE WHEN size < 4 THEN 24 ELSE 29 END,
                head_age + 5 * (draw('years apart', home) + draw('years more', home) - 1) - CASE WHEN head_male THEN 1.5 ELSE -1.5 END) END AS spouse_age
        FROM aged),
    dated AS (
        SELECT *, years_before(today() - 20, head_age) AS head_born, years_before(today() - 20, spouse_age) AS spouse_born,
            CASE WHEN couple AND head_male THEN spouse_age ELSE head_age END AS mother_age, CASE WHEN needy THEN 2.5 ELSE 1 END AS frail
        FROM paired),
    lived AS (
        SELECT *, couple AND settled AND death_day(head, head_born, frail) IS NULL AND death_day(head + 1, spouse_born, frail) IS NULL AS whole,
            greatest(CASE WHEN head_male THEN head_born ELSE spouse_born END + 22 * 366, CASE WHEN head_male THEN spouse_born ELSE head_born END + 20 * 366)
                AS may_marry,
            -- the mother's age at her first child
            20.6 + draw('first child', home) * least(12, mother_age - 20.8 - 3.4 * (children - 1)) AS first_at
        FROM dated),
    planned AS (
        SELECT *, CASE WHEN children > 0 THEN years_before(today() - 20, mother_age - first_at) END AS first_child,
            CASE WHEN children > 1 THEN years_before(today() - 20,
                mother_age - first_at - 1.2 - draw('second child', home) * least(5, mother_age - first_at - 1.4)) END AS second_child,
            whole AND mother_age < 43.5 AND draw('late child', home) < 0.05 AS late
        FROM lived),
    born AS (
        -- within the 24 months only to couples who live here through all of them
        SELECT * EXCLUDE (first_child, second_child),
            CASE WHEN children = 1 AND late THEN draw_day('late day', home, first_day(), today() - 2)
                WHEN first_child >= first_day() AND NOT whole THEN draw_day('early day', home, first_day() - 200, first_day() - 1)
                ELSE first_child END AS child_1,
            CASE WHEN children = 2 AND late AND first_child < first_day() - 450 THEN draw_day('late day', home, first_day(), today() - 2)
                WHEN second_child >= first_day() AND NOT whole THEN draw_day('early day', home, first_day() - 200, first_day() - 1)
                ELSE second_child END AS child_2
        FROM planned),
    married AS (
        SELECT *, CASE
            WHEN NOT couple THEN NULL
            WHEN whole AND children = 0 AND head_age < 42 AND draw('wedding', home) < 0.55
                THEN draw_day('wedding day', home, greatest(may_marry, CASE WHEN draw('wed of late', home) < 0.12 THEN today() - 28 ELSE first_day() END), today() - 1)
            WHEN children > 0 THEN greatest(may_marry, (child_1 - draw_int('before child', home, 220, 1400)::INTEGER)::DATE)
            ELSE draw_day('wedding day', home, may_marry, least(today() - 20, may_marry + 9 * 366)) END AS married_on
        FROM born)
SELECT home, head, size, children, couple, head_male, local, newcomer, settled, whole, needy, frail, head_born, spouse_born, child_1, child_2,
    CASE WHEN size = 5 THEN (head_born - (365 * (21 + 12 * draw('parent', home)))::INTEGER)::DATE END AS parent_born, married_on,
    CASE WHEN whole AND head_age < 66 AND married_on < first_day() - 200 AND greatest(child_1, child_2, DATE '1900-01-01') < first_day() - 400
        AND draw('divorce', home) < 0.035 THEN draw_day('divorce day', home, first_day(), today() - 10) END AS divorced_on,
    CASE WHEN whole AND NOT needy AND draw('move', home) < 0.03 THEN draw_day('move day', home, first_day() + 5, today() - 5) END AS moved_on,
    CASE WHEN newcomer THEN draw_day('arrival', home, first_day() + 3, today() - 3)
        WHEN NOT local THEN draw_day('arrival', home, greatest(DATE '2017-01-01', head_born + 18 * 366), today() - 40) END AS arrived_on,
    unit_before, county_before, city_before, county_name_before, unit_after, county_after, city_after, county_name_after, prefix,
    draw('steady', home) < 0.5 AS steady
FROM married
ORDER BY home;

-- Homes: `county`, `address` where they are now; `moved_on` the day since which, NULL where they did not move.
CREATE OR REPLACE TABLE world.home AS
SELECT home, head, size, county_before || padded(home, 8) AS household_no,
    CASE WHEN moved_on IS NULL THEN unit_before ELSE unit_after END AS unit, unit_before,
    CASE WHEN moved_on IS NULL THEN county_before ELSE county_after END AS county, county_before, moved_on,
    CASE WHEN moved_on IS NULL THEN address_at(city_before, county_name_before, one_of(roads, 'road', home), home)
        ELSE address_at(city_after, county_name_after, one_of(roads, 'road after', home), -1 - home) END AS address,
    address_at(city_before, county_name_before, one_of(roads, 'road', home), home) AS address_before,
    CASE WHEN size = 1 AND draw('collective', home) < 0.2 THEN 'collective' ELSE 'family' END AS kind, local, newcomer, needy, arrived_on, steady
FROM world.family, (SELECT list(word ORDER BY n) AS roads FROM world.word_road)
WHERE within(home)
ORDER BY home;

-- A person as far as it is numbers and days. `named_by`: the person whose surname it is.
CREATE OR REPLACE TABLE world.life AS
WITH
    each AS (SELECT *, unnest(range(size)) AS nth FROM world.family WHERE within(home)),
    roled AS (
        SELECT *, head + nth AS person, (CASE WHEN nth = 1 AND NOT couple THEN 2 ELSE nth END)::TINYINT AS role,
            CASE WHEN couple AND NOT head_male THEN head WHEN couple THEN head + 1 WHEN NOT head_male THEN head END AS woman,
            CASE WHEN couple AND NOT head_male THEN head + 1 WHEN head_male THEN head END AS man
        FROM each),
    born AS (
        SELECT *, CASE role WHEN 0 THEN head_male WHEN 1 THEN NOT head_male ELSE draw('male', person) < CASE role WHEN 4 THEN 0.4 ELSE 0.515 END END AS male,
            CASE role WHEN 0 THEN head_born WHEN 1 THEN spouse_born WHEN 2 THEN child_1 WHEN 3 THEN child_2 ELSE parent_born END AS born
        FROM roled),
    died AS (SELECT *, CASE WHEN settled THEN death_day(person, born, frail) END AS died FROM born)
SELECT person, home, role, male, born, died,
    CASE WHEN settled AND died IS NULL AND moved_on IS NULL AND NOT needy AND (role IN (2, 3) OR size = 1) AND born < first_day() - 18 * 366
        AND draw('leave', person) < 0.025 THEN draw_day('leave day', person, first_day() + 10, today() - 5) END AS left_on,
    CASE WHEN role IN (2, 3) THEN woman END AS mother, CASE WHEN role IN (2, 3) THEN man END AS father,
    CASE WHEN NOT local THEN NULL WHEN born >= first_day() THEN (born + draw_int('registered', person, 2, 28)::INTEGER)::DATE
        ELSE greatest(born, coalesce(arrived_on, DATE '1958-01-09')) END AS registered_on,
    CASE WHEN NOT local THEN greatest(born, arrived_on) END AS arrived_on,
    -- who died before the household moved did not move
    CASE WHEN moved_on < coalesce(died, DATE '9999-12-31') THEN greatest(moved_on, born) END AS moved_on,
    CASE WHEN role IN (2, 3) THEN coalesce(man, woman) WHEN role = 4 AND male THEN head ELSE person END AS named_by,
    prefix
FROM died
ORDER BY person;

-- Order numbers of ids: odd for men, below 900, no two of one prefix, birth date and sex alike. In a whole province more than 450
-- are born on one day in a large city: they take the prefixes 30 and 60 further on, which no place has either.
CREATE OR REPLACE TABLE world.order_number AS
SELECT person, prefix + 30 * (nth // 450) AS prefix, (2 * (nth % 450) + male::INTEGER)::SMALLINT AS number
FROM (
    SELECT person, male, prefix, CASE WHEN nth < 1350 THEN nth ELSE error('over 1,350 people of one sex are born on one day in a city. Take a smaller scale.') END AS nth
    FROM (SELECT person, male, prefix, row_number() OVER (PARTITION BY prefix, born, male ORDER BY person) - 1 AS nth FROM world.life));

CREATE OR REPLACE TABLE world.person AS
WITH
    words AS (
        SELECT (SELECT list(word ORDER BY n) FROM world.word_surname) AS surnames, (SELECT list(word ORDER BY n) FROM world.word_rare_surname) AS rare_surnames,
            (SELECT list(word ORDER BY n) FROM world.word_given) AS given, (SELECT list(word ORDER BY n) FROM world.word_rare_given) AS rare_given,
            (SELECT list(code ORDER BY n) FROM world.word_ethnicity) AS codes, (SELECT list(below ORDER BY n) FROM world.word_ethnicity) AS below),
    joined AS (
        SELECT l.* REPLACE (o.prefix AS prefix), o.number, h.unit, h.unit_before, h.county, h.county_before, h.address, h.address_before, h.local, h.needy, h.steady, w.*,
            (today() - l.born) / 365.2425 AS age
        FROM world.life AS l JOIN world.order_number AS o USING (person) JOIN world.home AS h USING (home) CROSS JOIN words AS w
        WHERE among(l.person) AND among(o.person) AND within(h.home))
SELECT person, home, role, male, born, died, resident_id(prefix, born, number) AS id_number,
    CASE WHEN draw('rare surname', named_by) < 0.002 THEN one_of(rare_surnames, 'surname', named_by) ELSE one_of(surnames, 'surname', named_by) END
        || one_of(given, 'given', person)
        || CASE WHEN draw('rare given', person) < 0.004 THEN one_of(rare_given, 'second', person)
            WHEN draw('two', person) < 0.8 THEN one_of(given, 'second', person) ELSE '' END AS name,
    CASE WHEN age > 3 AND draw('renamed', person) < 0.02
        THEN one_of(surnames, 'surname', named_by) || one_of(given, 'former given', person) || one_of(given, 'former second', person) END AS former_name,
    codes[1 + len(list_filter(below, b -> b <= draw('ethnicity', named_by)))] AS ethnicity,
    CASE WHEN age < 7 THEN '90' WHEN age < 13 THEN '81' WHEN age < 16 THEN '71' WHEN age < 19 THEN one_of(['61', '61', '41', '44'], 'schooling', person)
        WHEN age < 23 THEN one_of(['61', '31', '21', '21', '41'], 'schooling', person)
        WHEN age < 60 THEN one_of(['11', '14', '21', '21', '21', '31', '31', '41', '61', '61', '71', '71'], 'schooling', person)
        ELSE one_of(['21', '31', '41', '61', '71', '71', '71', '81', '81', '90'], 'schooling', person) END AS education,
    CASE WHEN moved_on IS NULL THEN unit_before ELSE unit END AS unit, unit_before,
    CASE WHEN moved_on IS NULL THEN county_before ELSE county END AS county, county_before, moved_on,
    CASE WHEN moved_on IS NULL THEN address_before ELSE address END AS address, address_before, local,
    CASE WHEN NOT local THEN one_of(['220102', '230102', '150402', '130202', '371302', '411302'], 'hukou', home) END AS hukou_div,
    registered_on, arrived_on, left_on, mother, father, phone('phone', person) AS phone,
    -- what the register says of a person who never married here: 10 single, 30 widowed, 40 divorced
    CASE WHEN age < 24 OR role IN (2, 3) AND age < 45 THEN '10' WHEN role = 4 THEN one_of(['20', '30', '30', '30'], 'state', person)
        WHEN age < 60 THEN one_of(['10', '10', '10', '40'], 'state', person) ELSE one_of(['10', '30', '30', '30', '30', '30', '40'], 'state', person) END AS unwed_state,
    needy, steady
FROM joined
ORDER BY person;
