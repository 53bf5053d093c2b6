-- Why: the caisse verifies and validates figures in indicators too; of it and the dialogue, the last said stands.

-- The highest revision heard of each level of a figure.
create table figure_level (
    cpts_id text not null,
    starts_on date not null,
    indicator text not null,
    level text not null,
    revision bigint not null,
    value bigint not null,
    said_at timestamptz not null,
    decided_on date not null,
    answer text,
    reason text,
    validated_revision bigint,
    primary key (cpts_id, starts_on, indicator, level)
);

alter table dialogue_line add column said_at timestamptz;
update dialogue_line set said_at = history.recorded_at from history
where history.subject = dialogue_line.cpts_id || '/' || dialogue_line.starts_on
  and history.sequence = dialogue_line.sequence;
alter table dialogue_line alter column said_at set not null;
