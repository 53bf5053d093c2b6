-- Why: the public extracts of the national directory, to check who and what is named in orders; no name of a person.

-- Which extract of each kind is there; beside the log, like the next three: it is imported again.
create table directory_extract (
    kind text primary key,
    taken_on date,
    imported_at timestamptz not null,
    line_count bigint not null,
    kept_count bigint not null,
    passed_over_count bigint not null
);

-- The rows of that extract which could not be read, by their line; what they hold is not kept.
create table directory_rejection (
    kind text not null,
    line bigint not null,
    reason text not null,
    field text,
    primary key (kind, line)
);

-- An import puts a new table in the place of this one, and of the next.
create table directory_activity (
    rpps text not null,
    profession text not null,
    specialty text,
    finess text,
    siret text,
    former_number text
);
create index directory_activity_rpps on directory_activity (rpps);

create table directory_structure (
    finess text not null,
    siret text,
    category text not null
);
create index directory_structure_finess on directory_structure (finess);
