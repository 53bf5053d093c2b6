-- Why: a fact may add more than one to a figure, from a day on; and CPTS declare entries, whose content is their last event.

alter table figure_fact add column quantity bigint not null default 1;
alter table figure_fact add column from_on date;

-- Of each entry that is declared here, where its last event is found in the history. `cpts_id` is null
-- of what belongs to no CPTS.
create table entry (
    subject text primary key,
    kind text not null,
    cpts_id text,
    sequence bigint not null
);

create index entry_of_cpts on entry (cpts_id, kind);
