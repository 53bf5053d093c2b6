-- Why: money goes to accounts that two persons vouched for; they are secrets of this database alone, never on the bus.

-- Outside of the log on purpose (ADR 0021): no event tells of these tables and no rebuild fills them.
-- Nothing constrains the IBAN here: PostgreSQL would tell the row in its error, and errors are logged.
create table bank_account (
    owner text not null,
    account_id text not null,
    version integer not null,
    iban text not null,
    holder text not null,
    from_on date not null,
    to_on date,
    proposed_by text not null,
    proposed_at timestamptz not null,
    primary key (owner, account_id, version)
);

create table bank_account_confirmation (
    owner text not null,
    account_id text not null,
    version integer not null,
    proposed_by text not null,
    confirmed_by text not null check (confirmed_by <> proposed_by),
    confirmed_at timestamptz not null,
    primary key (owner, account_id, version)
);

create trigger only_grows before update or delete or truncate on bank_account
for each statement execute function refuse_to_change_what_was_written();

create trigger only_grows before update or delete or truncate on bank_account_confirmation
for each statement execute function refuse_to_change_what_was_written();
