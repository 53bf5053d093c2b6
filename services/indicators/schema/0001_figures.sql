-- Why: the indicators service needs what others said (members, contract years, referrals, platform appointments) and its own figures, each counted fact by fact.

create table figure (
    cpts_id text not null,
    indicator text not null,
    starts_on date not null,
    ends_on date not null,
    departement text not null,
    value bigint not null,
    revision bigint not null,
    sequence bigint not null,
    primary key (cpts_id, indicator, starts_on)
);

-- Append-only: one row each time a figure begins (or ceases) to count a fact. `revision` is the
-- row's place among those of its figure, from 1; per fact the highest one stands.
create table figure_fact (
    cpts_id text not null,
    indicator text not null,
    starts_on date not null,
    fact_id text collate "C" not null,
    revision bigint not null,
    is_counted boolean not null,
    primary key (fact_id, cpts_id, indicator, starts_on, revision)
);

create index figure_fact_of_figure
    on figure_fact (cpts_id, indicator, starts_on, fact_id, revision desc) include (is_counted);

create table cpts (
    cpts_id text primary key,
    departement text not null,
    finess text,
    finess_sequence bigint not null
);

create index cpts_finess on cpts (finess) where finess is not null;

-- Each ACI with the sequence of what was last said of it: its contract years are those said then.
create table aci (
    cpts_id text not null,
    aci_id text not null,
    sequence bigint not null,
    primary key (cpts_id, aci_id)
);

create table contract_year (
    cpts_id text not null,
    aci_id text not null,
    starts_on date not null,
    ends_on date not null,
    primary key (cpts_id, aci_id, starts_on)
);

create table member (
    cpts_id text not null,
    member_id text not null,
    sequence bigint not null,
    rpps text not null,
    profession text not null,
    from_on date not null,
    to_on date,
    is_withdrawn boolean not null,
    primary key (cpts_id, member_id)
);

create index member_rpps on member (rpps);

create table participation (
    cpts_id text not null,
    participation_id text not null,
    sequence bigint not null,
    rpps text not null,
    way text not null,
    from_on date not null,
    to_on date,
    is_withdrawn boolean not null,
    primary key (cpts_id, participation_id)
);

create index participation_rpps on participation (rpps);

-- Of one referral: the CPTS's answer, its status and its appointment, each with the sequence of the
-- event that said it (0: nothing said yet). Days are local to Paris.
create table referral (
    referral_id text collate "C" primary key,
    answer_sequence bigint not null,
    answer text,
    cpts_id text,
    answered_on date,
    received_at timestamptz,
    status_sequence bigint not null,
    status text,
    booking_sequence bigint not null,
    rpps text,
    starts_at timestamptz,
    start_minute bigint
) with (fillfactor = 85);

create index referral_answered on referral (cpts_id, answered_on);
create index referral_twin on referral (rpps, start_minute);

-- Every message of the platform that was taken, as told; the state is derived from them.
create table appointment_message (
    appointment_id text collate "C" not null,
    sequence bigint not null,
    distribution_id text collate "C" not null,
    sent_at timestamptz not null,
    status text not null,
    created_at timestamptz not null,
    starts_at timestamptz not null,
    category text,
    finess text,
    rpps text,
    primary key (appointment_id, sequence)
);

create table appointment (
    appointment_id text collate "C" primary key,
    sent_at timestamptz not null,
    status_rank smallint not null,
    distribution_id text collate "C" not null,
    status text not null,
    created_at timestamptz not null,
    starts_at timestamptz not null,
    start_minute bigint not null,
    category text,
    finess text,
    rpps text
);

create index appointment_twin on appointment (rpps, start_minute);
create index appointment_finess on appointment (finess);

-- Where each platform appointment counts, or why it does not.
create table attribution (
    appointment_id text collate "C" primary key,
    outcome text not null,
    booked_on date not null,
    cpts_id text,
    candidates jsonb not null,
    twin text,
    reason text
);

create index attribution_of_cpts on attribution (cpts_id, booked_on) where outcome = 'counted';
create index attribution_unattributed on attribution (appointment_id) where outcome = 'unattributed';
create index attribution_duplicate on attribution (appointment_id) where outcome = 'duplicate';
create index attribution_ambiguous on attribution (appointment_id)
    where jsonb_array_length(candidates) > 1;
