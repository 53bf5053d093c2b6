-- Why: what was said is never unsaid; a bug or a hand that tries is stopped by the database.

create function refuse_to_change_what_was_written() returns trigger language plpgsql as $$
begin
    raise exception '% only grows: rows are neither changed nor removed', tg_table_name;
end $$;

create trigger only_grows before update or delete or truncate on history
for each statement execute function refuse_to_change_what_was_written();
