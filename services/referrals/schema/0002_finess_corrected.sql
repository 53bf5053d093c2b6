-- Why: a FINESS can be corrected; of two events about it the one of the higher sequence stands.

alter table cpts add finess_sequence bigint not null default 0;
