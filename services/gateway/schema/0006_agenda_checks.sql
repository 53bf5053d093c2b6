-- Why: what the national directory says otherwise of agendas, as membership last answered.

-- Beside the log: it is asked again. `asked` is what the agenda said of itself then.
create table agenda_check (
    agenda_id text primary key,
    asked text not null,
    due_at timestamptz not null,
    checked_at timestamptz not null,
    warnings jsonb not null
);
