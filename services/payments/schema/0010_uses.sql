-- Why: what CPTS pay their members and use their funds for; the ledger says on which day each line counts.

create table indemnity (
    cpts_id text not null,
    indemnity_id text not null,
    sequence bigint not null,
    rpps text not null,
    kind text not null,
    function text not null,
    minutes bigint not null,
    amount_cents bigint not null,
    paid_on date not null,
    is_withdrawn boolean not null,
    primary key (cpts_id, indemnity_id)
);

create index indemnity_of_professional on indemnity (rpps, paid_on) where not is_withdrawn;

create table fund_use (
    cpts_id text not null,
    use_id text not null,
    sequence bigint not null,
    category text not null,
    amount_cents bigint not null,
    used_on date not null,
    is_withdrawn boolean not null,
    primary key (cpts_id, use_id)
);

-- A line of a use belongs to no contract year; one without a day counts on that of its instant, in Paris.
alter table ledger_entry alter column starts_on drop not null;
alter table ledger_entry add column booked_on date;
