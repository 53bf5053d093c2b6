-- Why: the life of a CPTS from émergence to its missions, its structures and tools, mergers; entries hold no content, which is that of their last event.

alter table cpts add column emerged_on date;
alter table cpts add column merged_on date;
alter table cpts add column into_cpts_id text;
update cpts set emerged_on = (occurred_at at time zone 'Europe/Paris')::date
from history where subject = cpts_id and history.sequence = 1;
alter table cpts alter column emerged_on set not null;

alter table member add column structure_id text;

create table entry (
    cpts_id text not null,
    kind text not null,
    entry_id text not null,
    sequence bigint not null,
    primary key (cpts_id, kind, entry_id)
);

create index entry_kind on entry (kind);

create table projet_de_sante (
    cpts_id text not null,
    projet_id text not null,
    sent_on date not null,
    silence_ends_on date not null,
    document_sha256 text,
    outcome text not null,
    decided_on date,
    is_tacit boolean not null,
    grounds text[] not null,
    first_sequence bigint not null,
    sequence bigint not null,
    primary key (cpts_id, projet_id)
);

create index projet_de_sante_pending on projet_de_sante (silence_ends_on)
    where outcome = 'pending';

create table mission_deadline (
    cpts_id text not null,
    aci_id text not null,
    mission text not null,
    step text not null,
    due_on date not null,
    met_on date,
    ordinal integer not null,
    is_near_said boolean not null,
    is_missed_said boolean not null,
    primary key (cpts_id, aci_id, mission, step)
);

create index mission_deadline_pending on mission_deadline (due_on)
    where met_on is null and not is_missed_said;
