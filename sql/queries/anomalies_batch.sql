-- ml.anomalies names the series it reads next, in a setting, because the query it goes with has parameters of its own. $1 = the series.
select set_config('tillflow.series', $1::text[]::text, true)
