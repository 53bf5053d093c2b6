-- Why: what the doors tell the platforms: CPTS and their members, appointments, and the regulators' accounts.

create table cpts (
    cpts_id text primary key,
    departement text not null,
    cpts_name text,
    finess text,
    finess_sequence bigint not null default 0
);
create index cpts_finess on cpts (finess) where finess is not null;

create table member (
    cpts_id text not null,
    member_id text not null,
    rpps text not null,
    profession text not null,
    from_on date not null,
    to_on date,
    is_withdrawn boolean not null,
    sequence bigint not null,
    primary key (cpts_id, member_id)
);
create index member_rpps on member (rpps, cpts_id);

create table participation (
    cpts_id text not null,
    participation_id text not null,
    rpps text not null,
    way text not null,
    from_on date not null,
    to_on date,
    is_withdrawn boolean not null,
    sequence bigint not null,
    primary key (cpts_id, participation_id)
);
create index participation_rpps on participation (rpps);

-- Two halves, each with its sequence: with whom and when, what became of it. What ended before it
-- was accepted has the second alone.
create table appointment (
    referral_id text primary key,
    booking_sequence bigint not null default 0,
    cpts_id text,
    rpps text,
    starts_at timestamptz,
    status_sequence bigint not null default 0,
    status text
);
create index appointment_rpps on appointment (rpps, starts_at) where rpps is not null;

-- Own state: what the platforms told of the accounts of regulators.
create table regulator (
    regulator_id text primary key,
    sequence bigint not null,
    is_active boolean not null,
    changed_at timestamptz not null
);

create table regulator_identifier (
    regulator_id text not null references regulator on delete cascade,
    place integer not null,
    kind text not null,
    system text not null,
    value text not null,
    primary key (regulator_id, place)
);
create index regulator_identifier_value on regulator_identifier (value);

-- Names and e-mails: in no event, so a rebuild does not bring them back; the backup does.
create table regulator_identity (
    regulator_id text primary key,
    family_name text not null,
    given_name text not null,
    email text not null
);
create index regulator_identity_email on regulator_identity (email);
