-- Why: what one process keeps without deriving must not slip past the look that another one takes.

alter table restore add column is_hearing boolean not null default true;
