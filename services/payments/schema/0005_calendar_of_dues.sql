-- Why: dues rest on the missions and on the signature of the ACI, and some fall due with time.

alter table aci add column signed_on date;

create table mission (
    cpts_id text not null,
    mission_id text not null,
    sequence bigint not null,
    mission text not null,
    started_on date not null,
    ended_on date,
    is_withdrawn boolean not null,
    primary key (cpts_id, mission_id)
);

-- The next day on which something falls due to a CPTS; it follows from the other tables.
create table due_next (
    cpts_id text primary key,
    next_on date not null
);

create index due_next_by_day on due_next (next_on, cpts_id);
