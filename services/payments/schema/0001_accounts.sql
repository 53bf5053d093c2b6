-- Why: the payments service needs its inputs, its accounts and an append-only double-entry ledger.

create table rate (
    rate_id text primary key,
    sequence bigint not null,
    from_on date not null,
    to_on date,
    taille smallint not null,
    mission text not null,
    part text not null,
    amount_cents bigint not null,
    text text not null,
    status text not null,
    is_verified boolean not null
);

create table contract_line (
    cpts_id text not null,
    starts_on date not null,
    indicator text not null,
    sequence bigint not null,
    mission text not null,
    mode text not null,
    max_cents bigint not null,
    target bigint,
    steps jsonb not null,
    is_withdrawn boolean not null,
    primary key (cpts_id, starts_on, indicator)
);

create table cpts (
    cpts_id text primary key,
    departement text not null
);

-- The highest sequence heard of each ACI: a correction replaces all its contract years.
create table aci (
    cpts_id text not null,
    aci_id text not null,
    sequence bigint not null,
    primary key (cpts_id, aci_id)
);

create table contract_year (
    cpts_id text not null,
    starts_on date not null,
    ends_on date not null,
    aci_id text not null,
    sequence bigint not null,
    primary key (cpts_id, starts_on)
);

create table taille (
    cpts_id text not null,
    starts_on date not null,
    sequence bigint not null,
    taille smallint not null,
    population bigint not null,
    primary key (cpts_id, starts_on)
);

create table figure (
    cpts_id text not null,
    indicator text not null,
    starts_on date not null,
    ends_on date not null,
    departement text not null,
    value bigint not null,
    revision bigint not null,
    primary key (cpts_id, starts_on, indicator)
);

-- What each revision of a figure began or ceased to count; a fact's highest revision stands.
create table figure_fact (
    cpts_id text not null,
    starts_on date not null,
    indicator text not null,
    fact_id text not null,
    revision bigint not null,
    is_counted boolean not null,
    primary key (cpts_id, starts_on, indicator, fact_id, revision)
);

create table account (
    cpts_id text not null,
    starts_on date not null,
    departement text not null,
    sequence bigint not null,
    variable_cents bigint not null,
    primary key (cpts_id, starts_on)
);

-- One row a computation, even when the cents did not change; written once, never updated.
create table estimate (
    cpts_id text not null,
    starts_on date not null,
    sequence bigint not null,
    event_id uuid not null unique,
    reason text not null,
    indicator text,
    figure_revision bigint,
    cause text not null,
    variable_cents bigint not null,
    previous_cents bigint not null,
    missions jsonb not null,
    lines jsonb not null,
    occurred_at timestamptz not null,
    primary key (cpts_id, starts_on, sequence)
);

create table ledger_entry (
    posting_id uuid not null,
    ordinal smallint not null,
    account text not null,
    cpts_id text not null,
    starts_on date not null,
    amount_cents bigint not null,
    occurred_at timestamptz not null,
    primary key (posting_id, ordinal)
);

create index ledger_entry_by_account on ledger_entry (account);
create index ledger_entry_by_cpts on ledger_entry (cpts_id, starts_on);
