-- The effect of one tick.
insert into ticks (as_of, run_id) select :as_of::timestamptz, :run_id::text on conflict do nothing;
