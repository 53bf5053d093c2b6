-- Why: an amount of the past is explained by the taille that was known then.

alter table estimate add column taille smallint;
