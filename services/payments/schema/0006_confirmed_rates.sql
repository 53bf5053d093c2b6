-- Why: an unverified rate is paid once a named person of the caisse has confirmed it.

create table rate_confirmation (
    rate_id text primary key,
    sequence bigint not null,
    amount_cents bigint not null,
    text text not null,
    read_on date not null,
    confirmed_by text not null,
    confirmed_at timestamptz not null
);
