-- Why: a place that a regulator books in the gateway becomes a demand accepted with its appointment, or is refused.

-- As the gateway told it.
create table slot_booking (
    booking_id text primary key,
    referral_id text not null,
    departement text not null,
    event_id uuid not null,
    recorded_at timestamptz not null,
    told jsonb not null
);

-- Own state: the bookings that no demand was made of.
create table booking_refusal (
    booking_id text primary key,
    departement text not null,
    reason text not null,
    refused_at timestamptz not null
);
