-- Why: who had a dead letter handled again, when, and what came of it, must be told afterwards.

create table dead_letter_replay (
    id bigint generated always as identity primary key,
    letter_id bigint not null,
    asked_by text,
    outcome text not null,
    asked_at timestamptz not null default clock_timestamp()
);

create trigger only_grows before update or delete or truncate on dead_letter_replay
for each statement execute function refuse_to_change_what_was_written();
