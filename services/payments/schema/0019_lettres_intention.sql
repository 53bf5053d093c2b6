-- Why: the aid at the lettre d'intention, where a parameter applies it, is due on the day of its validation.

create table lettre_intention (
    cpts_id text not null,
    lettre_id text not null,
    sequence bigint not null,
    validated_on date,
    is_withdrawn boolean not null,
    primary key (cpts_id, lettre_id)
);
