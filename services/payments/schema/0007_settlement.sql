-- Why: a year's variable part is settled after its dialogue de gestion, and corrected by adjustments only.

create table dialogue (
    cpts_id text not null,
    starts_on date not null,
    opened_on date not null,
    primary key (cpts_id, starts_on)
);

create table dialogue_line (
    cpts_id text not null,
    starts_on date not null,
    indicator text not null,
    sequence bigint not null,
    validated_value bigint,
    cpts_stance text not null,
    caisse_stance text not null,
    primary key (cpts_id, starts_on, indicator)
);

-- The event whole: what a settlement rested on is read from it and nowhere else.
create table settlement (
    cpts_id text not null,
    starts_on date not null,
    event jsonb not null,
    primary key (cpts_id, starts_on)
);

create table adjustment (
    cpts_id text not null,
    starts_on date not null,
    sequence bigint not null,
    event jsonb not null,
    primary key (cpts_id, starts_on, sequence)
);

create trigger only_grows before update or delete or truncate on settlement
for each statement execute function refuse_to_change_what_was_written();

create trigger only_grows before update or delete or truncate on adjustment
for each statement execute function refuse_to_change_what_was_written();
