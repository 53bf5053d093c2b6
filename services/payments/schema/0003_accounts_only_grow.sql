-- Why: money is corrected by adding to it, and every posting balances; the database itself holds both.

create trigger only_grows before update or delete or truncate on ledger_entry
for each statement execute function refuse_to_change_what_was_written();

create trigger only_grows before update or delete or truncate on estimate
for each statement execute function refuse_to_change_what_was_written();

create function refuse_postings_out_of_balance() returns trigger language plpgsql as $$
declare
    unbalanced uuid;
begin
    select posting_id into unbalanced from added
    group by posting_id having sum(amount_cents) <> 0 limit 1;
    if found then
        raise exception 'the posting % does not sum to zero', unbalanced;
    end if;
    return null;
end $$;

create trigger postings_balance after insert on ledger_entry
referencing new table as added
for each statement execute function refuse_postings_out_of_balance();

alter table rate add column unit text not null default '';
