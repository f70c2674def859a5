-- lib/ledger, jobs and the beat of a stream: how far event time is complete; null when that is not known.
select dag.watermark($1)
