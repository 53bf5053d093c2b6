-- Why: agendas with their slots, the places that regulators book in them, and what is shown of professionals.

alter table appointment add booking_id text;
create index appointment_booking on appointment (booking_id) where booking_id is not null;

create table agenda (
    agenda_id text primary key,
    departement text not null,
    sequence bigint not null,
    cpts_id text not null,
    practitioner_rpps text not null,
    structure_number text,
    specialties text[] not null,
    is_closed boolean not null,
    time_zone text not null,
    hours jsonb,
    until_on date
);
create index agenda_rpps on agenda (practitioner_rpps);
create index agenda_cpts on agenda (cpts_id, agenda_id);
create index agenda_due on agenda (until_on) where hours is not null and not is_closed;

-- One slot of an agenda at an instant. How many of its places are taken is counted when it is asked.
create table slot (
    slot_id text primary key,
    agenda_id text not null,
    rpps text not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    origin text not null,
    is_closed boolean not null,
    slot_types text[] not null,
    consultations text[] not null,
    cpts_ids text[] not null,
    capacity integer not null,
    overbooking integer not null,
    is_walk_in boolean not null
);
create index slot_open on slot (rpps, starts_at) where not is_closed;
create index slot_agenda on slot (agenda_id, starts_at);

create table booking (
    booking_id text primary key,
    departement text not null,
    sequence bigint not null,
    slot_id text not null,
    agenda_id text not null,
    cpts_id text not null,
    rpps text not null,
    regulator_id text not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    booked_at timestamptz not null,
    is_overbooked boolean not null,
    is_held boolean not null,
    reason text,
    refusal text
);
create index booking_slot on booking (slot_id) where is_held;
create index booking_regulator on booking (regulator_id, booked_at);

-- As referrals told it.
create table refused_booking (
    booking_id text primary key,
    reason text not null
);

-- What the doors show of those who work, in no event: the backup has it, a rebuild does not.
create table practitioner_card (
    rpps text primary key,
    family_name text not null,
    given_name text not null
);
create table agenda_card (
    agenda_id text primary key,
    address_line text not null,
    city text not null,
    postal_code text not null,
    phone text,
    booking_url text
);
create table cpts_card (
    cpts_id text primary key,
    phone text not null
);
