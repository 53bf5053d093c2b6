-- Why: what became of the Hub Santé's messages and of our answers, by identifier and code, for a worklist.

create table hub_message (
    position bigint generated always as identity primary key,
    queue text not null check (queue in ('message', 'ack', 'info')),
    distribution_id text,
    heard_at timestamptz not null,
    outcome text not null,
    answer_id text,
    referenced_id text,
    hub_code integer,
    hub_status text,
    deliveries integer not null
);
create unique index hub_message_distribution on hub_message (queue, distribution_id)
    where distribution_id is not null;
create index hub_message_outcome on hub_message (outcome, position);
