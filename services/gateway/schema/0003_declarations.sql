-- Why: what becomes of appointments is declared to the SAS platform of their département (INT_R03), which must hear all of it.

alter table appointment add departement text;

-- One row for each thing to tell of an appointment, written with the hearing of it; per appointment they leave in the order
-- of their ids. About the outside world, so beside the log: the backup has it, a rebuild does not.
create table declaration (
    declaration_id bigint generated always as identity primary key,
    appointment_id text not null,
    departement text not null,
    rpps text not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    status text not null,
    made_at timestamptz,
    state text not null default 'pending' check (state in ('pending', 'delivered', 'refused')),
    may_be_there boolean not null,
    attempts integer not null default 0,
    due_at timestamptz not null default now(),
    lease uuid,
    written_at timestamptz not null default now(),
    answered_at timestamptz,
    answer_status integer,
    answer text
);
create index declaration_due on declaration (due_at, declaration_id) where state = 'pending';
create index declaration_appointment on declaration (appointment_id, declaration_id);
create index declaration_listed on declaration (state, declaration_id);
