-- Run by check: forgets what a job's checks found longer ago than 30 days.
delete from dag.check_results where job = $1 and checked_at < now() - interval '30 days'
