-- Why: what a CPTS owes its members is ordered from its own bank, each sum once, and answered like the caisse's orders.

alter table indemnity add column is_paid_by_batch boolean not null default false;

-- Who pays: `caisse`, or the CPTS as owner of its accounts; then `rpps` is the professional who is paid.
alter table payment_order
    add column payer text not null default 'caisse',
    add column rpps text,
    add check ((payer = 'caisse') = (rpps is null));

-- What an order takes from an indemnity, for the professional whose it was. The key stops two orders from taking the same.
create table payment_order_indemnity (
    cpts_id text not null,
    indemnity_id text not null,
    rpps text not null,
    tranche integer not null,
    order_id text not null,
    amount_cents bigint not null,
    primary key (cpts_id, indemnity_id, rpps, tranche)
);

create index payment_order_indemnity_of_order on payment_order_indemnity (order_id);
