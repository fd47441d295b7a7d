-- Work, social and medical insurance, allowances. Needs people (people.sql) and entities (entities.sql).
-- Belongs here: who works where, is insured how, is supported by whom, since and until when. Not here: who learnt of it when (views).

-- What somebody lives by, one line a person of 16 and more: 'contract', 'organ' (in public service), 'flexible', 'none'. Whoever is
-- past the age of retirement (men 60, women 55) lived by it. `since`: the earliest day on which work here can have begun.
CREATE OR REPLACE TABLE world.livelihood AS
WITH
    grown AS (
        SELECT person, born, male, local, needy, died, left_on, county_before, draw('livelihood', person) AS lot,
            (born + INTERVAL 1 YEAR * CASE WHEN male THEN 60 ELSE 55 END)::DATE AS retires_on,
            greatest((born + to_days(draw_int('first work', person, 18 * 366, 24 * 366)::INTEGER))::DATE, coalesce(registered_on, arrived_on)) AS since
        FROM world.person WHERE among(person) AND born < today() - 16 * 366)
SELECT person, born, male, local, died, left_on, county_before, retires_on, since,
    CASE WHEN needy OR since > least(today() - 40, retires_on - 400) THEN 'none'
        WHEN lot < 0.5 THEN 'contract' WHEN lot < 0.57 THEN 'organ' WHEN lot < 0.68 THEN 'flexible' ELSE 'none' END AS kind
FROM grown
ORDER BY person;

-- Employers, numbered within city and kind; `lasting_n` numbers those that do not end.
CREATE OR REPLACE TABLE world.employer AS
WITH
    able AS (
        SELECT entity, left(county, 4) AS city, CASE WHEN register = 'public' THEN 'organ' ELSE 'contract' END AS kind, least(ended_on, revoked_on) AS ended
        FROM world.entity
        WHERE founded < first_day() - 60 AND uscc IS NOT NULL AND coalesce(least(ended_on, revoked_on), DATE '9999-12-31') >= first_day()
            AND (type <> '9500' OR entity % 3 = 0))
SELECT *, row_number() OVER (PARTITION BY city, kind ORDER BY entity) - 1 AS n, count(*) OVER (PARTITION BY city, kind) AS "of",
    CASE WHEN ended IS NULL THEN row_number() OVER (PARTITION BY city, kind, ended IS NULL ORDER BY entity) - 1 END AS lasting_n,
    count(*) FILTER (ended IS NULL) OVER (PARTITION BY city, kind) AS lasting
FROM able
ORDER BY city, kind, n;

-- Jobs that somebody holds or held in the 24 months: a first, and a second where that ended by a change or with the employer.
CREATE OR REPLACE TABLE world.job AS
WITH
    cities AS (SELECT city, kind, any_value("of") AS "of", any_value(lasting) AS lasting FROM world.employer GROUP BY ALL),
    working AS (
        SELECT l.*, c."of", c.lasting, left(l.county_before, 4) AS city,
            CASE WHEN l.since < first_day() - 60 THEN draw_day('job day', l.person, greatest(l.since, first_day() - 4000), first_day() - 31)
                ELSE greatest(l.since, first_day()) END AS begun,
            CASE WHEN draw('job changes', l.person) < 0.07 THEN draw_day('job change', l.person, first_day() + 40, today() - 70) END AS changed
        FROM world.livelihood AS l LEFT JOIN cities AS c ON c.city = left(l.county_before, 4) AND c.kind = l.kind
        WHERE among(l.person) AND l.kind <> 'none' AND l.retires_on > first_day() AND coalesce(l.died, l.left_on, today()) > l.since + 60),
    placed AS (
        SELECT w.*, e.entity, e.ended AS closes, CASE WHEN w.kind = 'flexible' OR e.entity IS NULL THEN 'flexible' ELSE w.kind END AS how
        FROM working AS w LEFT JOIN world.employer AS e ON e.city = w.city AND e.kind = w.kind AND e.n = draw_int('employer', w.person, 0, w."of" - 1)),
    first AS (
        SELECT *, least(died, left_on, CASE WHEN retires_on <= today() THEN retires_on END, closes, CASE WHEN changed > begun + 60 THEN changed END) AS ended
        FROM placed WHERE begun < coalesce(least(closes, died, left_on), today() - 30) - 30),
    -- four of five find another employer within two months
    second AS (
        SELECT f.*, (f.ended + draw_int('job gap', f.person, 1, 60)::INTEGER)::DATE AS begins, n.entity AS next
        FROM first AS f JOIN world.employer AS n ON n.city = f.city AND n.kind = f.how AND n.lasting_n = draw_int('next employer', f.person, 0, f.lasting - 1)
        WHERE f.how <> 'flexible' AND f.ended IS NOT NULL AND f.ended IS DISTINCT FROM least(f.died, f.left_on, CASE WHEN f.retires_on <= today() THEN f.retires_on END)
            AND n.entity <> f.entity AND draw('job again', f.person) < 0.8)
SELECT * FROM (
    SELECT person * 2 AS job, person, entity, how AS kind, begun, ended,
        CASE WHEN ended IS NULL THEN NULL ELSE CASE ended WHEN died THEN 'died' WHEN left_on THEN 'left' WHEN retires_on THEN 'retired' WHEN closes THEN 'closed' ELSE 'changed' END END AS ended_by
    FROM first
    UNION ALL
    SELECT person * 2 + 1, person, next, how, begins, least(died, left_on, CASE WHEN retires_on <= today() THEN retires_on END),
        CASE WHEN died IS NOT NULL AND died <= retires_on THEN 'died' WHEN left_on <= retires_on THEN 'left' WHEN retires_on <= today() THEN 'retired' END
    FROM second WHERE begins < least(coalesce(died, left_on, today()), retires_on, today()) - 20)
ORDER BY job;

-- A person's jobs in one line: the employer since `begun`, and the one after it. Without work: since `idle_on`.
CREATE OR REPLACE TABLE world.career AS
SELECT a.person, a.kind, a.entity, a.begun, a.ended, a.ended_by, b.entity AS next_entity, b.begun AS next_begun, b.ended AS next_ended,
    CASE WHEN a.ended_by IN ('closed', 'changed') AND b.job IS NULL THEN a.ended END AS idle_on
FROM world.job AS a LEFT JOIN (FROM world.job WHERE among(person)) AS b ON b.job = a.job + 1
WHERE among(a.person) AND a.job % 2 = 0
ORDER BY a.person;

-- Social insurance, one line a person and kind (110 employees', 120 public service's, 170 residents' pension, 210 unemployment, 410
-- injury), that was alive in the 24 months. `benefit`: yuan a month once retired. Pool: the county where the person lives.
CREATE OR REPLACE TABLE world.insurance AS
WITH
    adults AS (
        SELECT l.*, c.kind AS work, c.begun AS work_begun, c.idle_on, p.county, p.moved_on, p.steady,
            CASE WHEN l.kind = 'none' THEN '170' WHEN coalesce(c.kind, l.kind) = 'organ' THEN '120' ELSE '110' END AS pension,
            draw('insured', l.person) AS lot
        FROM world.livelihood AS l JOIN world.person AS p USING (person) LEFT JOIN (FROM world.career WHERE among(person)) AS c USING (person)
        WHERE among(l.person) AND among(p.person) AND (l.local OR l.kind <> 'none')),
    dated AS (
        SELECT *, CASE WHEN pension = '170' THEN greatest((born + INTERVAL 16 YEAR)::DATE, DATE '2011-07-01', since - 365 * 20)
                WHEN work_begun IS NOT NULL THEN least(work_begun, greatest(since, work_begun - draw_int('paid before', person, 0, 6000)::INTEGER))
                ELSE greatest(since, DATE '1992-01-01') END AS begun,
            CASE WHEN pension = '170' THEN (born + INTERVAL 60 YEAR)::DATE ELSE retires_on END AS pensioned_on
        FROM adults WHERE pension = '170' AND lot < 0.9 AND local OR pension <> '170' AND (work_begun IS NOT NULL OR retires_on <= first_day())),
    kinds AS (
        SELECT *, pension AS insurance FROM dated
        UNION ALL
        SELECT *, unnest(['210', '410']) FROM dated WHERE work = 'contract' AND lot < 0.3)
SELECT person, insurance, CASE WHEN insurance IN ('210', '410') THEN greatest(work_begun, begun) ELSE begun END AS begun,
    coalesce(died, left_on) AS ended, CASE WHEN died IS NOT NULL THEN 'died' WHEN left_on IS NOT NULL THEN 'left' END AS ended_by,
    CASE WHEN pensioned_on <= today() AND pensioned_on < coalesce(died, left_on, DATE '9999-12-31') THEN pensioned_on END AS retired_on,
    CASE WHEN insurance = '170' THEN NULL ELSE work END AS work, idle_on, county AS pool, county_before AS pool_before, moved_on,
    CASE WHEN insurance = '170' THEN draw_int('base', person, 1, 10) * 100 ELSE draw_int('base', person, 42, 210) * 100 END AS base,
    CASE insurance WHEN '110' THEN draw_int('benefit', person, 1500, 5600) WHEN '120' THEN draw_int('benefit', person, 3600, 8200)
        WHEN '170' THEN draw_int('benefit', person, 140, 420) END AS benefit,
    steady
FROM kinds
WHERE insurance NOT IN ('210', '410') OR pensioned_on > first_day()
ORDER BY person, insurance;

-- Medical insurance, one line a person, kind (310 employees, 390 residents) and time; pool as above. Who finds work goes over to 310,
-- who loses it back to 390.
CREATE OR REPLACE TABLE world.medical AS
WITH
    people AS (
        SELECT p.person, p.born, p.died, p.left_on, p.county, p.county_before, p.moved_on, p.local, p.needy, p.steady, p.registered_on, l.retires_on,
            coalesce(c.kind, CASE WHEN l.retires_on <= first_day() THEN l.kind END, 'none') AS kind, c.begun AS work_begun, c.idle_on
        FROM world.person AS p LEFT JOIN (FROM world.livelihood WHERE among(person)) AS l USING (person)
            LEFT JOIN (FROM world.career WHERE among(person)) AS c USING (person)
        WHERE among(p.person) AND (p.needy OR p.local AND draw('medical', p.person) < 0.97 OR c.kind IN ('contract', 'organ'))),
    begun AS (
        SELECT *, kind IN ('contract', 'organ') OR kind = 'flexible' AND draw('medical flexible', person) < 0.5 AS employee,
            CASE WHEN born >= first_day() - 60 THEN (born + draw_int('newborn', person, 10, 60)::INTEGER)::DATE
                ELSE greatest(born + 30, registered_on, draw_day('medical day', person, DATE '2008-01-01', DATE '2020-12-31')) END AS resident_on
        FROM people),
    spans AS (
        SELECT *, 0 AS nth, '310' AS insutype, coalesce(work_begun, greatest(DATE '2001-01-01', (born + INTERVAL 22 YEAR)::DATE)) AS since, idle_on AS until
        FROM begun WHERE employee
        UNION ALL
        SELECT *, 1, '390', resident_on, CASE WHEN employee THEN work_begun END
        FROM begun WHERE local AND (NOT employee OR work_begun >= first_day() AND resident_on < work_begun - 30)
        UNION ALL
        SELECT *, 2, '390', (idle_on + draw_int('resident again', person, 5, 25)::INTEGER)::DATE, NULL
        FROM begun WHERE local AND employee AND idle_on < today() - 30)
SELECT person, nth, insutype, since AS begun, least(died, left_on, until) AS ended,
    CASE WHEN least(died, left_on, until) = died THEN 'died' WHEN least(died, left_on, until) = left_on THEN 'left'
        WHEN until IS NOT NULL THEN CASE insutype WHEN '390' THEN 'work' ELSE 'idle' END END AS ended_by,
    CASE WHEN insutype = '310' AND retires_on <= today() THEN retires_on END AS retired_on,
    county AS pool, county_before AS pool_before, moved_on, steady
FROM spans
WHERE since <= today() AND since < coalesce(least(died, left_on), DATE '9999-12-31')
ORDER BY person, nth;

-- Allowances (in six counties): 'urban', 'rural' minimum living, 'destitute' (alone, without income), 'edge' (just above the line).
CREATE OR REPLACE TABLE world.allowance AS
WITH
    homes AS (
        SELECT f.home, f.county_before AS county, f.head, f.size, f.steady, f.head_born,
            CASE WHEN f.size = 1 AND f.head_born < today() - 60 * 366 AND draw('destitute', f.home) < 0.3 THEN 'destitute'
                WHEN draw('edge', f.home) < 0.12 THEN 'edge' WHEN f.county_before IN ('210103', '210211', '210411') THEN 'urban' ELSE 'rural' END AS kind,
            CASE WHEN draw('granted', f.home) < 0.87 THEN draw_day('granted day', f.home, greatest(DATE '2014-01-01', (f.head_born + INTERVAL 18 YEAR)::DATE), first_day() - 40)
                ELSE draw_day('granted day', f.home, first_day(), today() - 5) END AS begun,
            CASE WHEN draw('withdrawn', f.home) < 0.09 THEN draw_day('withdrawn day', f.home, first_day() + 60, today() - 20) END AS withdrawn
        FROM world.family AS f WHERE f.needy),
    lives AS (SELECT home, count(*) AS persons, CASE WHEN count(*) = count(died) THEN max(died) END AS died_out, min(born) AS oldest FROM world.life JOIN homes USING (home) GROUP BY home),
    granted AS (
        SELECT h.*, l.persons, CASE WHEN h.withdrawn > h.begun + 90 THEN h.withdrawn END AS stopped, l.died_out,
            CASE h.kind WHEN 'urban' THEN 812 WHEN 'destitute' THEN 1130 ELSE 688 END AS standard,
            CASE h.kind WHEN 'destitute' THEN 0 WHEN 'edge' THEN 640 ELSE draw_int('income', h.home, 3, 50) * 10 END AS income
        FROM homes AS h JOIN lives AS l USING (home) WHERE h.begun < coalesce(l.died_out, DATE '9999-12-31'))
SELECT home, kind, begun, least(stopped, died_out) AS ended, CASE WHEN least(stopped, died_out) = died_out THEN 'died' WHEN stopped IS NOT NULL THEN 'income' END AS ended_by,
    county, head, standard, (standard - income)::DECIMAL(10, 2) AS per_head, ((standard - income) * persons)::DECIMAL(10, 2) AS amount,
    county || CASE kind WHEN 'urban' THEN '1' WHEN 'rural' THEN '2' WHEN 'destitute' THEN '3' ELSE '4' END || padded(home, 8) AS card_no,
    one_of(['示例农村信用社', '示例银行', '示例邮政储蓄银行'], 'bank', home) AS bank, '6219' || padded(draw_int('account', home, 0, 9999999), 7) || padded(home, 8) AS account,
    steady
FROM granted
ORDER BY home;

CREATE OR REPLACE TABLE world.allowance_member AS
SELECT p.home, p.person, CASE p.role WHEN 0 THEN '02' WHEN 1 THEN CASE WHEN p.male THEN '11' ELSE '12' END WHEN 4 THEN CASE WHEN p.male THEN '51' ELSE '52' END
        ELSE CASE WHEN p.male THEN '20' ELSE '30' END END AS relation,
    -- a newborn child is added to the roster once it is registered and insured
    greatest(a.begun, CASE WHEN p.born >= first_day() THEN p.born + 90 ELSE p.born END) AS since, p.died AS until, p.steady
FROM world.person AS p JOIN world.allowance AS a USING (home)
WHERE coalesce(least(p.died, a.ended), DATE '9999-12-31') > greatest(a.begun, CASE WHEN p.born >= first_day() THEN p.born + 90 ELSE p.born END)
ORDER BY p.home, p.person;
