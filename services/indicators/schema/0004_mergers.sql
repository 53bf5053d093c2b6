-- Why: an appointment that names the FINESS of a CPTS that has merged counts for the one of which it is a part that day.

alter table cpts add column merged_on date;
alter table cpts add column into_cpts_id text;

create index cpts_into on cpts (into_cpts_id) where into_cpts_id is not null;
