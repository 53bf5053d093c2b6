-- Why: the things that the speaker knows, one row each, locked by who changes one.

create table thing (
    subject text primary key,
    sequence bigint not null,
    number bigint not null
);
