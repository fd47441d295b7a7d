-- City-day air quality with AQI by HJ 633-2012; what makes a day valid by GB 3095-2012.
-- Hours: a reading is the mean of the hour that ends at its time, so 00:00 belongs to the day before. What is below zero is no reading.
WITH hours AS (
    SELECT
        h.area AS "city",
        CAST(h.timepoint - INTERVAL 1 SECOND AS DATE) AS "day",
        h.station AS "station",
        h.timepoint AS "timepoint",
        CASE WHEN h.pm2_5 >= 0 THEN h.pm2_5 END AS "pm2_5",
        CASE WHEN h.pm10 >= 0 THEN h.pm10 END AS "pm10",
        CASE WHEN h.so2 >= 0 THEN h.so2 END AS "so2",
        CASE WHEN h.no2 >= 0 THEN h.no2 END AS "no2",
        CASE WHEN h.co >= 0 THEN h.co END AS "co",
        CASE WHEN h.o3_hourly >= 0 THEN h.o3_hourly END AS "o3"
    FROM std.air_quality_hourly AS h
),
-- Ozone: the mean of the eight hours that end at each hour from 08:00 to 24:00; it stands with six readings or more.
running AS (
    SELECT
        h.*,
        CASE
            WHEN h.timepoint >= h.day + INTERVAL 8 HOUR
                AND count(h.o3) OVER (PARTITION BY h.city, h.station, h.day ORDER BY h.timepoint RANGE BETWEEN INTERVAL 7 HOUR PRECEDING AND CURRENT ROW) >= 6
            THEN avg(h.o3) OVER (PARTITION BY h.city, h.station, h.day ORDER BY h.timepoint RANGE BETWEEN INTERVAL 7 HOUR PRECEDING AND CURRENT ROW)
        END AS "o3_8h"
    FROM hours AS h
),
-- A station's day: a 24 h mean needs 20 hours, the day's maximum of ozone 14 running means.
stations AS (
    SELECT
        r.city AS "city",
        r.day AS "day",
        r.station AS "station",
        count(r.pm2_5) + count(r.pm10) + count(r.so2) + count(r.no2) + count(r.co) + count(r.o3) AS "readings",
        CASE WHEN count(r.pm2_5) >= 20 THEN avg(r.pm2_5) END AS "pm2_5",
        CASE WHEN count(r.pm10) >= 20 THEN avg(r.pm10) END AS "pm10",
        CASE WHEN count(r.so2) >= 20 THEN avg(r.so2) END AS "so2",
        CASE WHEN count(r.no2) >= 20 THEN avg(r.no2) END AS "no2",
        CASE WHEN count(r.co) >= 20 THEN avg(r.co) END AS "co",
        CASE WHEN count(r.o3_8h) >= 14 THEN max(r.o3_8h) END AS "o3_8h",
        CASE WHEN count(r.o3) >= 20 THEN max(r.o3) END AS "o3_1h"
    FROM running AS r
    GROUP BY r.city, r.day, r.station
),
-- The city's value: the mean of its valid stations, rounded half to even (GB/T 8170) as reported: CO to 0.1 mg/m3, others to 1 ug/m3.
cities AS (
    SELECT
        s.city AS "city",
        s.day AS "day",
        count(*) AS "stations",
        sum(s.readings) AS "readings",
        round_even(avg(s.pm2_5), 0) AS "pm2_5",
        round_even(avg(s.pm10), 0) AS "pm10",
        round_even(avg(s.so2), 0) AS "so2",
        round_even(avg(s.no2), 0) AS "no2",
        round_even(avg(s.co), 1) AS "co",
        round_even(avg(s.o3_8h), 0) AS "o3_8h",
        round_even(avg(s.o3_1h), 0) AS "o3_1h"
    FROM stations AS s
    GROUP BY s.city, s.day
),
-- Ozone counts by its 8 h maximum; above 800 the table ends, and the hour's maximum takes its place.
measured AS (
    SELECT c.city AS "city", c.day AS "day", 'pm2_5' AS "pollutant", 'pm2_5' AS "scale", c.pm2_5 AS "value" FROM cities AS c
    UNION ALL
    SELECT c.city AS "city", c.day AS "day", 'pm10' AS "pollutant", 'pm10' AS "scale", c.pm10 AS "value" FROM cities AS c
    UNION ALL
    SELECT c.city AS "city", c.day AS "day", 'so2' AS "pollutant", 'so2' AS "scale", c.so2 AS "value" FROM cities AS c
    UNION ALL
    SELECT c.city AS "city", c.day AS "day", 'no2' AS "pollutant", 'no2' AS "scale", c.no2 AS "value" FROM cities AS c
    UNION ALL
    SELECT c.city AS "city", c.day AS "day", 'co' AS "pollutant", 'co' AS "scale", c.co AS "value" FROM cities AS c
    UNION ALL
    SELECT
        c.city AS "city",
        c.day AS "day",
        'o3' AS "pollutant",
        CASE WHEN c.o3_8h > 800 THEN 'o3_1h' ELSE 'o3_8h' END AS "scale",
        CASE WHEN c.o3_8h > 800 THEN c.o3_1h ELSE c.o3_8h END AS "value"
    FROM cities AS c
),
-- IAQI: interpolated between the two points around the value, rounded up; 500 above the last point. round() takes off what floats add.
judged AS (
    SELECT
        m.city AS "city",
        m.day AS "day",
        m.pollutant AS "pollutant",
        CAST(
            ceil(
                round(
                    CAST(b.iaqi_from AS DOUBLE)
                    + (CAST(b.iaqi_to AS DOUBLE) - CAST(b.iaqi_from AS DOUBLE))
                    * (least(m.value, CAST(b.value_to AS DOUBLE)) - CAST(b.value_from AS DOUBLE))
                    / (CAST(b.value_to AS DOUBLE) - CAST(b.value_from AS DOUBLE)),
                    6
                )
            ) AS BIGINT
        ) AS "iaqi"
    FROM measured AS m
    LEFT JOIN codes.aqi_breakpoint AS b
        ON b.pollutant = m.scale
        AND m.day >= CAST(b.since AS DATE)
        AND (b.until IS NULL OR m.day <= CAST(b.until AS DATE))
        AND (m.value > CAST(b.value_from AS DOUBLE) OR b.iaqi_from = '0')
        AND (m.value <= CAST(b.value_to AS DOUBLE) OR b.iaqi_to = '500')
),
indexes AS (
    SELECT
        j.city AS "city",
        j.day AS "day",
        max(j.iaqi) AS "aqi",
        max(j.iaqi) FILTER (WHERE j.pollutant = 'pm2_5') AS "iaqi_pm2_5",
        max(j.iaqi) FILTER (WHERE j.pollutant = 'pm10') AS "iaqi_pm10",
        max(j.iaqi) FILTER (WHERE j.pollutant = 'so2') AS "iaqi_so2",
        max(j.iaqi) FILTER (WHERE j.pollutant = 'no2') AS "iaqi_no2",
        max(j.iaqi) FILTER (WHERE j.pollutant = 'co') AS "iaqi_co",
        max(j.iaqi) FILTER (WHERE j.pollutant = 'o3') AS "iaqi_o3",
        string_agg(j.pollutant, ';' ORDER BY j.pollutant) FILTER (WHERE j.iaqi IS NULL) AS "missing"
    FROM judged AS j
    GROUP BY j.city, j.day
),
primaries AS (
    SELECT j.city AS "city", j.day AS "day", string_agg(j.pollutant, ';' ORDER BY j.pollutant) AS "primary_pollutant"
    FROM judged AS j
    JOIN indexes AS i ON i.city = j.city AND i.day = j.day
    WHERE j.iaqi = i.aqi AND i.aqi > 50
    GROUP BY j.city, j.day
)
SELECT
    c.city AS "city",
    c.day AS "day",
    c.pm2_5 AS "pm2_5",
    c.pm10 AS "pm10",
    c.so2 AS "so2",
    c.no2 AS "no2",
    c.co AS "co",
    c.o3_8h AS "o3_8h",
    c.o3_1h AS "o3_1h",
    i.iaqi_pm2_5 AS "iaqi_pm2_5",
    i.iaqi_pm10 AS "iaqi_pm10",
    i.iaqi_so2 AS "iaqi_so2",
    i.iaqi_no2 AS "iaqi_no2",
    i.iaqi_co AS "iaqi_co",
    i.iaqi_o3 AS "iaqi_o3",
    i.aqi AS "aqi",
    p.primary_pollutant AS "primary_pollutant",
    CASE
        WHEN i.aqi <= 50 THEN '优'
        WHEN i.aqi <= 100 THEN '良'
        WHEN i.aqi <= 150 THEN '轻度污染'
        WHEN i.aqi <= 200 THEN '中度污染'
        WHEN i.aqi <= 300 THEN '重度污染'
        WHEN i.aqi > 300 THEN '严重污染'
    END AS "grade",
    i.missing AS "missing",
    c.stations AS "stations",
    c.stations * 144 AS "inputs_expected",
    c.readings AS "inputs_present",
    c.readings / (c.stations * 144.0) AS "coverage"
FROM cities AS c
JOIN indexes AS i ON i.city = c.city AND i.day = c.day
LEFT JOIN primaries AS p ON p.city = c.city AND p.day = c.day
