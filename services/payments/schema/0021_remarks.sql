-- Why: the dialogue shows what each side said of a line, every word of it, who said it and why.

-- Not only the highest revision of a level: each is one thing said of that figure.
alter table figure_level drop constraint figure_level_pkey;
alter table figure_level add primary key (cpts_id, starts_on, indicator, revision);

alter table figure_level add column by_role text;
update figure_level set by_role = case level when 'visa' then 'ars' else 'caisse' end;
alter table figure_level alter column by_role set not null;
alter table figure_level add column said_by text;
alter table figure_level add column ground text;
alter table figure_level add column evidence_ids text[] not null default '{}';

alter table dialogue_line add column by_role text;
alter table dialogue_line add column said_by text;
