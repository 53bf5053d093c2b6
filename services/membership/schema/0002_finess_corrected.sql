-- Why: a FINESS can be corrected; in a rebuild another CPTS may take the freed number first, so orders keep it unique, under its join row.

alter table cpts drop constraint cpts_finess_key;
create index cpts_finess on cpts (finess);
