-- Why: each CPTS and its entries as their last events left them, and every event once, for ever.

create table cpts (
    cpts_id text primary key,
    cpts_name text not null,
    seat_commune text not null,
    departement text not null,
    finess text unique,
    sequence bigint not null
);

-- `place` is the city's code, else the commune's own: all that can clash shares it.
create table territory_entry (
    cpts_id text not null,
    entry_id text not null,
    place text not null,
    commune text not null,
    part text,
    population integer,
    from_on date not null,
    to_on date,
    is_withdrawn boolean not null,
    first_sequence bigint not null,
    sequence bigint not null,
    primary key (cpts_id, entry_id)
);

create index territory_entry_place on territory_entry (place);

create table member (
    cpts_id text not null,
    member_id text not null,
    rpps text not null,
    profession text not null,
    has_wrong_check_digit boolean not null,
    from_on date not null,
    to_on date,
    is_withdrawn boolean not null,
    first_sequence bigint not null,
    sequence bigint not null,
    primary key (cpts_id, member_id)
);

create index member_rpps on member (cpts_id, rpps);

create index member_wrong on member (cpts_id, member_id) where has_wrong_check_digit;

create table participation (
    cpts_id text not null,
    participation_id text not null,
    rpps text not null,
    way text not null,
    has_wrong_check_digit boolean not null,
    from_on date not null,
    to_on date,
    is_withdrawn boolean not null,
    first_sequence bigint not null,
    sequence bigint not null,
    primary key (cpts_id, participation_id)
);

create index participation_wrong on participation (cpts_id, participation_id)
    where has_wrong_check_digit;

-- A withdrawn ACI has no dates.
create table aci (
    cpts_id text not null,
    aci_id text not null,
    signed_on date not null,
    starts_on date,
    ends_on date,
    is_withdrawn boolean not null,
    first_sequence bigint not null,
    sequence bigint not null,
    primary key (cpts_id, aci_id)
);

create table taille (
    cpts_id text not null,
    contract_year_starts_on date not null,
    taille integer not null,
    population integer not null,
    sequence bigint not null,
    primary key (cpts_id, contract_year_starts_on)
);
