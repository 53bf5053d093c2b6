-- Why: a sanitary crisis that the ARS recognises opens an amount outside the year's ceiling.

create table crisis (
    cpts_id text not null,
    crisis_id text not null,
    starts_on date not null,
    sequence bigint not null,
    recognised_on date not null,
    is_withdrawn boolean not null,
    primary key (cpts_id, crisis_id)
);
