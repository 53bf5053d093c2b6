-- Why: the name of a FEC begins with the SIREN of whose books it is (LPF art. A. 47 A-1).

create table association (
    cpts_id text not null,
    association_id text not null,
    sequence bigint not null,
    declared_on date not null,
    siren text,
    is_withdrawn boolean not null,
    primary key (cpts_id, association_id)
);
