-- Run by simulate.pos at its start: where the simulated shop sells; larger stores sell more.
select store_id, greatest(size_sqft, 1)::bigint as sqft
from dim_stores
order by store_id collate "C"
