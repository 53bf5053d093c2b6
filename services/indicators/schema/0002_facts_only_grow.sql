-- Why: what a figure counted, and when, is never rewritten; the rule that was applied is remembered.

create trigger only_grows before update or delete or truncate on figure_fact
for each statement execute function refuse_to_change_what_was_written();

-- One row: the counting rule by which everything is counted, and how far a recount by it has come.
create table applied_rule (
    id integer primary key check (id = 1),
    digest text not null,
    size integer not null,
    counted_up_to text
);
