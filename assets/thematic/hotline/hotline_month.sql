-- Orders by topic, place, office and month. One row of std.hotline_order is one order as it stands now.
SELECT
    strftime(h.received_at, '%Y%m') AS "month",
    h.div AS "div",
    h.handler AS "handler",
    h.kind AS "kind",
    h.topic_1 AS "topic_1",
    h.topic_2 AS "topic_2",
    count(*) AS "orders",
    count(*) FILTER (h.dispatched_at IS NULL AND h.closed_at IS NOT NULL) AS "at_once",
    count(h.closed_at) AS "closed",
    count(*) FILTER (h.closed_at <= h.due_at) AS "closed_in_time",
    count(*) FILTER (h.extended = '1') AS "extended",
    count(*) FILTER (h.returned > 0) AS "returned",
    CAST(avg(epoch(h.closed_at - h.received_at) / 3600.0) AS DECIMAL(12, 1)) AS "hours_to_close",
    count(h.satisfaction) AS "asked",
    count(*) FILTER (h.satisfaction IN ('5', '4')) AS "satisfied",
    CASE WHEN count(h.closed_at) > 0 THEN CAST(count(*) FILTER (h.closed_at <= h.due_at) * 1.0 / count(h.closed_at) AS DECIMAL(6, 4)) END AS "on_time_share",
    CASE WHEN count(h.satisfaction) > 0 THEN CAST(count(*) FILTER (h.satisfaction IN ('5', '4')) * 1.0 / count(h.satisfaction) AS DECIMAL(6, 4)) END AS "satisfied_share"
FROM std.hotline_order AS h
WHERE h.received_at IS NOT NULL AND h.div IS NOT NULL AND h.handler IS NOT NULL AND h.kind IS NOT NULL AND h.topic_1 IS NOT NULL AND h.topic_2 IS NOT NULL
GROUP BY strftime(h.received_at, '%Y%m'), h.div, h.handler, h.kind, h.topic_1, h.topic_2
