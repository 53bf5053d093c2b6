-- Why: agendas that are read from a calendar at an address, again and again, and what came of the last time.

-- Beside the log: an address is often a secret, and what is read becomes events by itself.
create table agenda_feed (
    agenda_id text primary key,
    url text not null,
    offer jsonb not null,
    minutes integer,
    due_at timestamptz not null,
    lease uuid,
    etag text,
    last_modified text,
    whole_at timestamptz,
    read_at timestamptz,
    tried_at timestamptz,
    failures integer not null default 0,
    problem text,
    answer_status integer
);
create index agenda_feed_due on agenda_feed (due_at);
