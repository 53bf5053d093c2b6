-- Why: a crisis that the ARS recognises opens an amount to the CPTS of its départements.

create table crisis (
    crisis_id text primary key,
    sequence bigint not null,
    departements text[] not null,
    from_on date not null,
    is_withdrawn boolean not null
);
