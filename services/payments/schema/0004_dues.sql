-- Why: sums that fall due, beside the estimates of what will; each posting names its journal and its cause.

create table due (
    cpts_id text not null,
    starts_on date not null,
    due_id text not null,
    sequence bigint not null,
    event_id uuid not null,
    kind text not null,
    mission text,
    amount_cents bigint not null,
    due_on date not null,
    is_held boolean not null,
    rate_ids text[] not null,
    explanation text not null,
    primary key (cpts_id, starts_on, due_id)
);

create index due_payable on due (due_on) where not is_held;

alter table ledger_entry add column journal text not null default 'estimates';
alter table ledger_entry add column cause text not null default '';
