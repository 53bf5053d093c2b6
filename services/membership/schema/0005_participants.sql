-- Why: who takes part in the SAS as its platforms list them, beside what the CPTS declare.

alter table participation add column verified_by text;
create index participation_verified on participation (verified_by, rpps)
    where verified_by is not null and to_on is null;
create index participation_rpps on participation (rpps);
create index member_of_rpps on member (rpps);

-- The last list of each platform; beside the log, like the next: what follows from it is in events.
create table platform_list (
    platform text primary key,
    listed_on date not null,
    departements text[] not null
);

create table platform_participant (
    platform text not null,
    rpps text not null,
    way text not null,
    structure_finess text,
    since_on date,
    primary key (platform, rpps)
);
create index platform_participant_rpps on platform_participant (rpps);
