-- Why: a restore that is interrupted must still be one at the next start, for every process.

-- One row while a restore is under way: own events came from the log that the history did not hold,
-- and the others' topics are not yet heard to their ends.
create table restore (
    id integer primary key check (id = 1),
    began_at timestamptz not null default clock_timestamp()
);
