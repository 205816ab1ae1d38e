-- name: raw
-- A row per observation of one datastream, in order of time: phenomenon_time, result, quality, time_source.
SELECT phenomenon_time, result, quality, time_source FROM sensors_observation
WHERE datastream_id = %(datastream_id)s AND phenomenon_time >= %(start)s AND phenomenon_time < %(end)s
    AND CASE WHEN %(flags)s::integer IS NULL THEN true
        WHEN %(flags)s::integer = 0 THEN quality = 0
        ELSE quality & %(flags)s::integer <> 0 END
ORDER BY phenomenon_time LIMIT %(limit)s

-- name: hour
-- A row per hour (UTC) of one datastream that has good observations: start, n, mean, sum, min, max.
SELECT hour, n, sum / n, sum, min, max FROM sensors_hourlyrollup
WHERE datastream_id = %(datastream_id)s AND hour >= %(start)s AND hour < %(end)s
ORDER BY hour LIMIT %(limit)s

-- name: day
-- A row per day of a time zone on which a datastream has good observations: start (the day's first moment), n, mean, sum,
-- min, max. The time zone has whole hours, so that a day is made of whole rollups.
SELECT date_trunc('day', hour, %(zone)s), sum(n)::bigint, sum(sum) / sum(n), sum(sum), min(min), max(max)
FROM sensors_hourlyrollup
WHERE datastream_id = %(datastream_id)s AND hour >= %(start)s AND hour < %(end)s
GROUP BY 1 ORDER BY 1 LIMIT %(limit)s
