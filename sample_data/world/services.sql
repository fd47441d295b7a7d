-- What people and entities deal with the state about: e-certificates, hotline orders, service cases and their ratings.
-- Needs people.sql, offices.sql, entities.sql, licences.sql.
-- Belongs here: what is true. Not here: what a department says of it (its declaration).

-- Certificates that have an electronic copy. `ended_on` and `end_state` (2 cancelled, 3 revoked): what truly happened to it.
CREATE OR REPLACE TABLE world.certificate AS
WITH
    kinds (kind, code, type_name, field) AS (VALUES
        ('id_card', 1, '居民身份证', 5), ('driving_licence', 2, '机动车驾驶证', 5), ('marriage', 3, '结婚证', 6), ('business_licence', 4, '营业执照', 1),
        ('food_licence', 5, '食品经营许可证', 1), ('hygiene_licence', 6, '公共场所卫生许可证', 2), ('construction_licence', 7, '建筑业企业资质证书', 3),
        ('transport_licence', 8, '道路运输经营许可证', 4), ('social_organisation', 9, '社会组织登记证书', 6), ('public_body', 10, '统一社会信用代码证书', 15)),
    cards AS (
        SELECT p.person, p.id_number, p.county, p.born, p.died, p.steady, draw('card', p.person) < 0.36 AS carded,
            today() - draw_int('card day', p.person, 0, least(7304, (today() - (p.born + INTERVAL 16 YEAR)::DATE) - 1))::INTEGER AS carded_on,
            draw('drives', p.person) < 0.16 AND p.born < DATE '2003-01-01' AND p.born > DATE '1956-01-01' AS drives,
            today() - draw_int('driving day', p.person, 0, 2191)::INTEGER AS driving_on
        FROM world.person AS p
        WHERE among(p.person) AND p.born < today() - INTERVAL 16 YEAR - INTERVAL 1 DAY AND p.left_on IS NULL),
    -- every act of registration makes a new business licence; the one before falls on that day
    acts AS (
        SELECT a.entity, a.day, row_number() OVER (PARTITION BY a.entity ORDER BY a.day) - 1 AS version, lead(a.day) OVER (PARTITION BY a.entity ORDER BY a.day) AS next
        FROM world.entity_act AS a JOIN world.entity AS e USING (entity)
        WHERE amid(a.entity) AND e.office IS NULL AND e.uscc IS NOT NULL AND a.day < coalesce(least(e.revoked_on, e.ended_on), DATE '9999-12-31')),
    held AS (
        SELECT (c.person * 16 + 1) * 8 AS certificate, 'id_card' AS kind, c.person, NULL::BIGINT AS person_2, NULL::BIGINT AS entity, NULL::BIGINT AS licence,
            c.id_number AS number, c.carded_on AS issued, c.carded_on AS valid_from,
            CASE WHEN date_diff('day', c.born, c.carded_on) < 26 * 365.25 THEN (c.carded_on + INTERVAL 10 YEAR)::DATE
                WHEN date_diff('day', c.born, c.carded_on) < 46 * 365.25 THEN (c.carded_on + INTERVAL 20 YEAR)::DATE END AS valid_to,
            c.died AS fell_on, NULL::DATE AS replaced_on, '2' AS fate, c.county, c.steady
        FROM cards AS c WHERE c.carded AND (c.died IS NULL OR c.died > c.carded_on)
        UNION ALL
        SELECT (c.person * 16 + 2) * 8, 'driving_licence', c.person, NULL, NULL, NULL, c.id_number, c.driving_on, c.driving_on,
            CASE WHEN date_diff('day', c.born, c.driving_on) < 30 * 365.25 THEN (c.driving_on + INTERVAL 6 YEAR)::DATE
                WHEN date_diff('day', c.born, c.driving_on) < 40 * 365.25 THEN (c.driving_on + INTERVAL 10 YEAR)::DATE END,
            c.died, NULL, '2', c.county, c.steady
        FROM cards AS c WHERE c.drives AND (c.died IS NULL OR c.died > c.driving_on)
        UNION ALL
        SELECT (m.marriage * 16 + 3) * 8, 'marriage', m.man, m.woman, NULL, NULL, m.cert_no, m.married_on, m.married_on, NULL, m.divorced_on, NULL, '2', m.county,
            a.steady AND b.steady
        FROM world.marriage AS m JOIN world.person AS a ON a.person = m.man JOIN world.person AS b ON b.person = m.woman
        WHERE within(m.marriage) AND (m.married_on >= first_day() OR draw('marriage card', m.marriage) < 0.15)
        UNION ALL
        SELECT (e.entity * 16 + CASE e.register WHEN 'market' THEN 4 WHEN 'social' THEN 9 ELSE 10 END) * 8 + a.version % 8,
            CASE e.register WHEN 'market' THEN 'business_licence' WHEN 'social' THEN 'social_organisation' ELSE 'public_body' END,
            NULL, NULL, e.entity, NULL, e.uscc, a.day, e.founded, e.term_to,
            coalesce(e.revoked_on, e.ended_on), a.next, CASE WHEN e.revoked_on IS NOT NULL THEN '3' ELSE '2' END, e.county, e.steady
        FROM acts AS a JOIN world.entity AS e USING (entity)
        WHERE a.next IS NULL OR a.next >= first_day()
        UNION ALL
        SELECT (l.licence * 16 + CASE l.kind WHEN 'food' THEN 5 WHEN 'hygiene' THEN 6 WHEN 'construction' THEN 7 ELSE 8 END) * 8, l.kind || '_licence',
            NULL, NULL, l.entity, l.licence, l.licence_no, l.decided, l.valid_from, l.valid_to, l.ended_on, NULL, coalesce(l.ended_as, '2'), l.county, l.steady
        FROM world.licence AS l
        WHERE amid(l.entity) AND draw('licence card', l.licence // 100) < 0.9)
SELECT
    h.certificate, h.kind, k.type_name, padded(k.code, 3) AS type_code, h.person, h.person_2, h.entity, h.licence, h.number, h.issued, h.valid_from, h.valid_to,
    -- a licence ends up to 20 days after its holder, and its copy within 4 more
    coalesce(h.replaced_on, h.fell_on + draw_int('card ends', h.certificate, 1, CASE WHEN h.licence IS NULL THEN 12 ELSE 4 END)::INTEGER) AS ended_on,
    CASE WHEN h.replaced_on IS NOT NULL THEN '2' WHEN h.fell_on IS NOT NULL THEN h.fate END AS end_state,
    h.county, o.name AS issuer, o.uscc AS issuer_uscc, h.steady
FROM held AS h JOIN kinds AS k USING (kind) JOIN world.office AS o ON o.office = h.county::BIGINT * 100 + k.field
-- what had fallen before the two years never got an electronic copy
WHERE coalesce(h.replaced_on, h.fell_on, today()) >= first_day()
ORDER BY h.certificate;

-- What people call the hotline about. `days`: time to close; `about_entity`: it concerns a shop or firm.
CREATE OR REPLACE TABLE world.hotline_topic AS
FROM (VALUES
    (0, '咨询', '社会保障', '养老保险', '待遇领取', 7, false, 3, false, 0.14, '咨询养老保险待遇领取条件和办理地点'),
    (1, '咨询', '医疗保障', '参保缴费', '居民医保', 8, false, 3, false, 0.10, '咨询城乡居民医保缴费时间和金额'),
    (2, '咨询', '政务服务', '证件办理', '身份证', 5, false, 3, false, 0.10, '咨询居民身份证补领需要的材料'),
    (3, '求助', '供热', '室温不达标', '居民住宅', 3, false, 5, true, 0.14, '家中室温低，请供热单位上门测温并调整'),
    (4, '投诉', '市场监管', '消费纠纷', '预付卡', 1, true, 7, false, 0.10, '预付卡余额商家不予退还，要求协调退款'),
    (5, '投诉', '市场监管', '食品安全', '餐饮', 1, true, 7, false, 0.08, '用餐后发现食品变质，要求查处'),
    (6, '举报', '劳动保障', '欠薪', '拖欠工资', 7, true, 10, false, 0.07, '单位拖欠工资，要求支付'),
    (7, '求助', '城市管理', '占道经营', '流动摊贩', 11, false, 5, false, 0.08, '流动摊贩占道影响通行，请处理'),
    (8, '投诉', '住房建设', '物业管理', '服务质量', 3, true, 7, false, 0.08, '物业公司不清扫楼道，电梯长期停用'),
    (9, '求助', '交通出行', '公共交通', '公交线路', 4, false, 5, false, 0.04, '公交车间隔过长，建议增加班次'),
    (10, '建议', '城市管理', '环境卫生', '垃圾清运', 11, false, 10, false, 0.04, '建议增加垃圾清运次数'),
    (11, '表扬', '政务服务', '窗口服务', '工作人员', 15, false, 3, false, 0.03, '表扬窗口工作人员耐心细致')
) AS t (topic, kind, first, second, third, field, about_entity, days, winter, share, says);

-- Orders of the hotline, by callers of age. At once answered ones are never dispatched.
CREATE OR REPLACE TABLE world.hotline AS
WITH
    topics AS (SELECT *, sum(share) OVER (ORDER BY topic) - share AS low, sum(share) OVER (ORDER BY topic) AS high FROM world.hotline_topic),
    calls AS (
        SELECT p.person, p.person * 4 + i AS hotline, p.born, p.died, p.left_on, p.county, p.county_before, p.moved_on, p.steady,
            draw('topic', p.person * 4 + i) AS chance
        FROM world.person AS p CROSS JOIN range(2) AS n (i)
        WHERE draw('calls', p.person * 4 + i) < 0.066 AND p.born < DATE '2005-01-01' AND p.born > DATE '1938-01-01'),
    timed AS (
        SELECT c.*, t.topic,
            -- heating is asked about from November to March
            CASE WHEN t.winter THEN one_of([DATE '2024-11-01', DATE '2025-01-10', DATE '2025-11-01', DATE '2026-01-10'], 'winter', c.hotline)
                + draw_int('winter day', c.hotline, 0, 65)::INTEGER ELSE draw_day('call day', c.hotline, first_day(), today()) END AS received_on
        FROM calls AS c JOIN topics AS t ON c.chance >= t.low AND c.chance < t.high),
    orders AS (
        SELECT t.*, t.received_on + to_seconds(draw_int('call second', t.hotline, 7 * 3600, 21 * 3600)) AS received_at,
            CASE WHEN t.moved_on > t.received_on THEN coalesce(t.county_before, t.county) ELSE t.county END AS place,
            draw('at once', t.hotline) < CASE t.topic WHEN 0 THEN 0.95 WHEN 1 THEN 0.95 WHEN 2 THEN 0.95 WHEN 11 THEN 0.9 ELSE 0.3 END AS at_once,
            draw('pace', t.hotline) AS pace
        FROM timed AS t
        WHERE (t.died IS NULL OR t.died > t.received_on) AND (t.left_on IS NULL OR t.left_on > t.received_on)),
    shops AS (
        SELECT e.county, list(e.entity ORDER BY e.entity) AS entities
        FROM (SELECT county, entity, row_number() OVER (PARTITION BY county ORDER BY hash(entity)) AS nth
            FROM world.entity WHERE register = 'market' AND state = '1' AND founded < first_day() AND name IS NOT NULL) AS e
        WHERE e.nth <= 200 GROUP BY e.county),
    dated AS (
        SELECT o.hotline, o.person, o.place AS county, o.topic, k.kind, k.first, k.second, k.third, k.field, k.says, k.days, o.received_at, o.at_once, o.pace, o.steady,
            CASE WHEN k.about_entity THEN one_of(s.entities, 'shop', o.hotline) END AS entity,
            CASE WHEN NOT o.at_once THEN o.received_at + to_minutes(draw_int('dispatch', o.hotline, 4, 180)) END AS dispatched_at,
            k.days + CASE WHEN draw('extended', o.hotline) < 0.04 THEN k.days ELSE 0 END AS allowed, draw('extended', o.hotline) < 0.04 AS extended
        FROM orders AS o JOIN world.hotline_topic AS k USING (topic) LEFT JOIN shops AS s ON s.county = o.place),
    closed AS (
        SELECT d.*, d.dispatched_at + to_minutes(draw_int('accept', d.hotline, 10, 600)) AS accepted_at,
            d.received_at + to_days(d.allowed::INTEGER) AS due_at,
            CASE WHEN d.at_once THEN d.received_at + to_minutes(draw_int('answer', d.hotline, 2, 25))
                -- 1 in 25 is closed after it was due, and a few stay open
                WHEN d.pace < 0.93 THEN d.received_at + to_minutes(draw_int('close', d.hotline, 900, greatest(901, d.allowed * 1440 - 30)))
                WHEN d.pace < 0.985 THEN d.received_at + to_minutes(d.allowed * 1440 + draw_int('late', d.hotline, 60, 9000)) END AS closed_at
        FROM dated AS d),
    asked AS (
        SELECT c.*, CASE WHEN draw('asked', c.hotline) < 0.8 THEN c.closed_at + to_minutes(draw_int('visit', c.hotline, 60, 4000)) END AS visited_at,
            draw('satisfied', c.hotline) - CASE WHEN c.at_once THEN 0 WHEN c.closed_at > c.due_at THEN 0.35 ELSE 0 END AS mood
        FROM closed AS c)
SELECT
    a.hotline, a.person, a.county, a.topic, a.kind, a.first, a.second, a.third, a.says, a.entity, a.received_at, a.at_once, a.dispatched_at, a.accepted_at,
    a.due_at, a.closed_at, a.visited_at, a.extended, CASE WHEN NOT a.at_once AND draw('returned', a.hotline) < 0.06 THEN 1 ELSE 0 END AS returned,
    CASE WHEN a.visited_at IS NOT NULL THEN CASE WHEN a.mood < 0.01 THEN 1 WHEN a.mood < 0.03 THEN 2 WHEN a.mood < 0.05 THEN 3 WHEN a.mood < 0.3 THEN 4 ELSE 5 END END AS satisfaction,
    one_of(['热线', '热线', '热线', '微信', '网站', '辽事通'], 'channel', a.hotline) AS channel,
    draw('anonymous', a.hotline) < 0.05 AS anonymous, draw('secret', a.hotline) < 0.08 AS secret, draw('urgent', a.hotline) < 0.03 AS urgent,
    o.name AS office, o.uscc AS office_uscc, a.steady
FROM asked AS a JOIN world.office AS o ON o.office = a.county::BIGINT * 100 + a.field
ORDER BY a.hotline;

-- Items of the service platform: 1 done at once, 2 within `days`. `certificate`: what comes out.
CREATE OR REPLACE TABLE world.service_item AS
FROM (VALUES
    (0, '000109001000', '居民身份证申领', 5, 2, 20, 'person', 'id_card'), (1, '000109020000', '机动车驾驶证期满换证', 5, 1, 1, 'person', 'driving_licence'),
    (2, '000711001000', '内地居民婚姻登记', 6, 1, 1, 'person', 'marriage'), (3, '000131001000', '企业（个体工商户）设立登记', 1, 2, 3, 'entity', 'business_licence'),
    (4, '000131021000', '食品经营许可', 1, 2, 15, 'entity', 'food_licence'), (5, '000123005000', '公共场所卫生许可', 2, 2, 15, 'entity', 'hygiene_licence'),
    (6, '000117003000', '建筑业企业资质认定', 3, 2, 20, 'entity', 'construction_licence'), (7, '000118008000', '道路货物运输经营许可', 4, 2, 20, 'entity', 'transport_licence'),
    (8, '002014001000', '社会保险个人权益记录查询', 7, 1, 1, 'person', NULL), (9, '002014019000', '领取养老金人员待遇资格认证', 7, 1, 1, 'person', NULL),
    (10, '002014203000', '失业登记', 7, 2, 10, 'person', NULL), (11, '002036004000', '基本医疗保险关系转移接续', 8, 2, 15, 'person', NULL),
    (12, '002036009000', '异地就医备案', 8, 1, 1, 'person', NULL), (13, '000511003000', '最低生活保障对象认定', 6, 2, 30, 'person', NULL),
    (14, '000709008000', '户口迁移', 5, 2, 7, 'person', NULL), (15, '002015002000', '不动产登记资料查询', 9, 1, 1, 'person', NULL),
    (16, '002023001000', '生育登记服务', 2, 1, 1, 'person', NULL), (17, '002014004000', '社会保险单位参保登记', 7, 2, 5, 'entity', NULL),
    (18, '000131003000', '企业变更登记', 1, 2, 3, 'entity', NULL), (19, '002105001000', '义务教育入学登记', 10, 2, 15, 'person', NULL)
) AS t (item, catalog_code, name, field, kind, days, applicant, certificate);

-- Cases: those that certificates of the two years came from, and others of people and entities that act by their representative.
CREATE OR REPLACE TABLE world.service_case AS
WITH
    drawn AS (
        SELECT c.certificate * 2 AS service_case, i.item, coalesce(c.person, e.rep) AS person, c.entity, c.certificate, c.issued AS result_on, NULL::DATE AS applied_on, c.county, c.steady
        FROM world.certificate AS c JOIN world.service_item AS i ON i.certificate = c.kind
        LEFT JOIN (FROM world.entity WHERE amid(entity)) AS e ON e.entity = c.entity
        WHERE about(c.entity, c.person) AND c.issued BETWEEN first_day() + 40 AND today() AND (c.kind <> 'business_licence' OR e.founded = c.issued)
        UNION ALL
        SELECT (p.person * 8 + n.i) * 4 + 1, one_of([8, 9, 10, 11, 12, 12, 13, 14, 15, 16, 19], 'item', p.person * 8 + n.i), p.person, NULL, NULL, NULL,
            draw_day('applied', p.person * 8 + n.i, first_day(), today()), p.county, p.steady
        FROM world.person AS p CROSS JOIN range(3) AS n (i)
        WHERE among(p.person) AND draw('applies', p.person * 8 + n.i) < 0.07 AND p.born < DATE '2006-01-01'
        UNION ALL
        SELECT (e.entity * 8 + n.i) * 4 + 3, one_of([17, 18], 'item', -1 - (e.entity * 8 + n.i)), e.rep, e.entity, NULL, NULL,
            draw_day('applied', -1 - (e.entity * 8 + n.i), greatest(e.founded, first_day()), today()), e.county, e.steady
        FROM world.entity AS e CROSS JOIN range(2) AS n (i)
        WHERE amid(e.entity) AND e.register = 'market' AND draw('applies', -1 - (e.entity * 8 + n.i)) < 0.25 AND e.founded < today() - 30
            AND e.state = '1'),
    begun AS (
        SELECT d.*, i.field, i.kind, i.days, coalesce(d.applied_on, d.result_on - CASE WHEN i.kind = 1 THEN 0 ELSE draw_int('took', d.service_case, 1, i.days) END::INTEGER)
            + to_seconds(draw_int('apply second', d.service_case, 8 * 3600, 14 * 3600)) AS applied_at
        FROM drawn AS d JOIN world.service_item AS i USING (item)),
    taken AS (
        SELECT b.*, b.applied_at + to_minutes(draw_int('taken', b.service_case, 1, 90)) AS accepted_at FROM begun AS b
        JOIN world.person AS p ON p.person = b.person
        WHERE (p.died IS NULL OR p.died > b.applied_at::DATE + 45) AND (p.left_on IS NULL OR p.left_on > b.applied_at::DATE)),
    done AS (
        SELECT t.*, t.accepted_at + to_days(t.days::INTEGER) AS promised_at,
            CASE WHEN t.result_on IS NOT NULL THEN greatest(t.accepted_at + to_minutes(10), t.result_on + to_seconds(draw_int('result second', t.service_case, 15 * 3600, 17 * 3600)))
                WHEN t.kind = 1 THEN t.accepted_at + to_minutes(draw_int('result', t.service_case, 3, 60))
                WHEN draw('done', t.service_case) < 0.97 THEN t.accepted_at + to_minutes(draw_int('result', t.service_case, 600, t.days * 1430))
                WHEN draw('done', t.service_case) < 0.99 THEN t.accepted_at + to_minutes(t.days * 1440 + draw_int('result late', t.service_case, 60, 7000)) END AS result_at
        FROM taken AS t)
SELECT
    d.service_case, d.item, d.person, d.entity, d.certificate, d.applied_at, d.accepted_at, d.promised_at, d.result_at,
    CASE WHEN d.result_at IS NULL THEN NULL WHEN d.certificate IS NOT NULL THEN '出证办结' WHEN draw('refused', d.service_case) < 0.02 THEN '不予许可'
        ELSE '办结' END AS result_type,
    one_of(['窗口', '窗口', '网上', '辽事通', '自助终端'], 'case channel', d.service_case) AS channel, d.county, o.name AS office, o.uscc AS office_uscc, d.steady
FROM done AS d JOIN world.office AS o ON o.office = d.county::BIGINT * 100 + d.field
ORDER BY d.service_case;

-- Ratings (好差评) of finished cases: 5 very satisfied to 1 very dissatisfied. Bad ones are mended within 15 working days, or never.
CREATE OR REPLACE TABLE world.rating AS
WITH
    given AS (
        SELECT c.service_case AS rating, c.service_case, c.result_at, c.item, c.county, c.steady, draw('score', c.service_case) AS chance,
            c.result_at + to_minutes(draw_int('rated', c.service_case, 1, 2880)) AS rated_at, c.result_at > c.promised_at AS late
        FROM world.service_case AS c
        WHERE c.result_at IS NOT NULL AND draw('rates', c.service_case) < 0.48),
    scored AS (
        SELECT g.*, CASE WHEN g.late AND g.chance < 0.3 THEN 2 WHEN g.chance < 0.005 THEN 1 WHEN g.chance < 0.011 THEN 2 WHEN g.chance < 0.02 THEN 3
            WHEN g.chance < 0.07 THEN 4 ELSE 5 END AS score
        FROM given AS g)
SELECT
    s.rating, s.service_case, s.county, s.score, s.rated_at, one_of(['窗口评价器', '窗口评价器', '网上', '辽事通', '短信'], 'rating channel', s.rating) AS channel,
    CASE WHEN s.score = 5 THEN one_of(['服务热情', '一次办好', '材料精简', NULL], 'good', s.rating) WHEN s.score > 2 THEN NULL
        ELSE one_of(['办理时间过长', '要求重复提交材料', '工作人员态度冷淡', '办事指南不清楚'], 'bad', s.rating) END AS text,
    draw('real name', s.rating) < 0.9 AS real_name,
    CASE WHEN s.score <= 2 THEN s.rated_at::DATE + 21 END AS mend_due,
    CASE WHEN s.score <= 2 AND draw('mended', s.rating) < 0.94 THEN s.rated_at::DATE + draw_int('mended after', s.rating, 1, 19)::INTEGER END AS mended_on,
    s.steady
FROM scored AS s
WHERE s.rated_at::DATE <= today()
ORDER BY s.rating;
