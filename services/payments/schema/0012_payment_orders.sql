-- Why: what the caisse owes is ordered from its bank, each sum once, and what the bank answers is known.

create table payment_order (
    order_id text primary key,
    batch_id text not null,
    cpts_id text not null,
    sequence bigint not null,
    amount_cents bigint not null check (amount_cents > 0),
    account_id text not null,
    account_version integer not null,
    ordered_on date not null,
    execute_on date not null,
    state text not null,
    answered_on date,
    reason text
);

create index payment_order_of_batch on payment_order (batch_id);
create index payment_order_of_cpts on payment_order (cpts_id, sequence);

-- What an order takes from a due sum. The key is what stops two orders from taking the same.
create table payment_order_line (
    cpts_id text not null,
    starts_on date not null,
    due_id text not null,
    tranche integer not null,
    order_id text not null,
    amount_cents bigint not null,
    primary key (cpts_id, starts_on, due_id, tranche)
);

create index payment_order_line_of_order on payment_order_line (order_id);
