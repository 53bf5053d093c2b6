-- Why: what one transaction moves together with a service's state: offsets, history, outbox, dead letters.

create table stored_offset (
    topic text not null,
    partition integer not null,
    topic_id uuid not null,
    next_offset bigint not null,
    primary key (topic, partition)
);

-- Every event of the service's own topic, as applied; written once, never updated. It is what tells
-- that an event was said before, and its xmin tells when it was committed.
create table history (
    id uuid primary key,
    subject text not null,
    sequence bigint not null,
    type text not null,
    departement text not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    cause text not null,
    event jsonb not null,
    unique (subject, sequence)
);

create table outbox (
    position bigint generated always as identity primary key,
    id uuid not null unique,
    partition integer not null,
    type text not null,
    subject text not null,
    sequence bigint not null,
    departement text not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    cause text not null,
    traceparent text,
    body bytea not null,
    writer uuid not null,
    sent_at timestamptz
);

create index outbox_unsent on outbox (partition, position) where sent_at is null;

create index outbox_unsent_writer on outbox (writer) where sent_at is null;

create index outbox_sent on outbox (sent_at) where sent_at is not null;

create table relay_lease (
    id integer primary key check (id = 1),
    holder uuid not null,
    expires_at timestamptz not null
);

create table dead_letter (
    id bigint generated always as identity primary key,
    topic text not null,
    partition integer not null,
    position bigint not null,
    type text,
    key bytea,
    headers jsonb not null,
    body bytea,
    reason text not null,
    recorded_at timestamptz not null default clock_timestamp(),
    replayed_at timestamptz,
    unique (topic, partition, position)
);

create table join_row (
    kind text not null,
    key text not null,
    primary key (kind, key)
);

create table order_answer (
    key text primary key,
    fingerprint bytea not null,
    status integer,
    headers jsonb,
    body bytea,
    answered_at timestamptz not null default clock_timestamp()
);

create index order_answer_by_age on order_answer (answered_at);
