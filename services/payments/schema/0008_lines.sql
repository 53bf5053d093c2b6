-- Why: several lines of a contract may read one indicator; a line has its label, baseline, direction and documents.

alter table contract_line
    add column line_id text,
    add column line_label text not null default '',
    add column baseline bigint,
    add column is_lower_better boolean not null default false,
    add column documents text[] not null default '{}',
    add column carried_over_from_on date;
update contract_line set line_id = indicator;
alter table contract_line drop constraint contract_line_pkey;
alter table contract_line add primary key (cpts_id, starts_on, line_id);
