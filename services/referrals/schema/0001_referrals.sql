-- Why: referrals and platform appointments as their events made them, what membership told, and the Hub messages kept for a time.

-- `place_key` is the city of an arrondissement, else the commune: what both sides lock.
-- `due_at` is when the referral changes by itself, null when nothing is awaited.
create table referral (
    referral_id text primary key,
    departement text not null,
    sequence bigint not null,
    state text not null,
    source text not null,
    source_id text not null,
    commune text not null,
    part text,
    need text not null,
    urgency text not null,
    received_at timestamptz not null,
    see_by timestamptz not null,
    recorded_at timestamptz not null,
    changed_at timestamptz not null,
    outcome text,
    cpts_id text,
    offered_at timestamptz,
    answer_by timestamptz,
    accepted_at timestamptz,
    practitioner_rpps text,
    starts_at timestamptz,
    located_commune text,
    located_part text,
    look_again_at timestamptz,
    starts_at_told text not null,
    practitioner_told text not null,
    attendance_told text not null,
    place_key text not null,
    due_at timestamptz
);
create index referral_due on referral (due_at) where due_at is not null;
create index referral_held on referral (place_key) where state = 'held';
create index referral_offered on referral (cpts_id, answer_by, referral_id) where state = 'offered';
create index referral_listed on referral (recorded_at, referral_id);

-- The state is what the latest message told, by (sent_at, status, distribution id).
create table platform_appointment (
    appointment_id text primary key,
    departement text not null,
    sequence bigint not null,
    told jsonb not null
);

create table cpts (
    cpts_id text primary key,
    departement text not null,
    finess text
);
create index cpts_finess on cpts (finess) where finess is not null;

create table territory_entry (
    cpts_id text not null,
    entry_id text not null,
    place_key text not null,
    commune text not null,
    part text,
    from_on date not null,
    to_on date,
    is_withdrawn boolean not null,
    sequence bigint not null,
    primary key (cpts_id, entry_id)
);
create index territory_entry_place on territory_entry (place_key);

create table member (
    cpts_id text not null,
    member_id text not null,
    rpps text not null,
    from_on date not null,
    to_on date,
    is_withdrawn boolean not null,
    sequence bigint not null,
    primary key (cpts_id, member_id)
);
create index member_rpps on member (rpps, cpts_id);

-- Hub messages. The original of a valid one is kept with its names until they are removed; an
-- invalid or refused one leaves its code and reasons only. `notes` is what is odd in a valid one.
create table sas_message (
    position bigint generated always as identity primary key,
    distribution_id text,
    received_at timestamptz not null,
    outcome text not null check (outcome in ('taken', 'recorded', 'refused', 'invalid')),
    hub_code integer,
    reasons text[] not null,
    notes text[] not null,
    appointment_id text,
    body bytea,
    has_identities boolean not null
);
create unique index sas_message_distribution on sas_message (distribution_id)
    where outcome <> 'invalid';
create index sas_message_identities on sas_message (received_at) where has_identities;
