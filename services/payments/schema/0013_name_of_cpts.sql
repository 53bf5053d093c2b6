-- Why: a statement that a treasurer signs names the CPTS; those registered before have none until the next rebuild.

alter table cpts add column cpts_name text;
