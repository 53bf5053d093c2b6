-- Why: what the listener heard, kept by its natural key, and what it made of it.

create table fact (
    subject text not null,
    sequence bigint not null,
    number bigint not null,
    primary key (subject, sequence)
);

create table total (
    subject text primary key,
    revision bigint not null,
    number bigint not null
);
