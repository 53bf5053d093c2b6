-- Why: the end of a contract year comes from its contract, its département from its account; copies of both disagreed.

alter table figure
    drop column ends_on,
    drop column departement;
