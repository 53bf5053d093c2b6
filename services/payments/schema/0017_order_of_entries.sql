-- Why: what is recorded later must come later in the FEC, whatever instant it tells of, or every number after it moves.

alter table ledger_entry add column entered bigint;

-- Files exported so far number their entries in this order.
alter table ledger_entry disable trigger only_grows;

update ledger_entry set entered = known.place
from (
    select posting_id, ordinal, row_number() over (order by occurred_at, posting_id, ordinal) as place
    from ledger_entry
) as known
where known.posting_id = ledger_entry.posting_id and known.ordinal = ledger_entry.ordinal;

alter table ledger_entry enable trigger only_grows;

alter table ledger_entry alter column entered set not null;
alter table ledger_entry alter column entered add generated always as identity;
select setval(pg_get_serial_sequence('ledger_entry', 'entered'), (select count(*) + 1 from ledger_entry), false);
