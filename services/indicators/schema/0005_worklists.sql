-- Why: what is doubtful in where an appointment counts is a worklist, by doubt, CPTS, département and state of its decision.

alter table attribution add column doubts jsonb not null default '[]';
alter table attribution add column concerned jsonb not null default '[]';
alter table attribution add column state text not null default 'open';

drop index attribution_unattributed;
drop index attribution_duplicate;
drop index attribution_ambiguous;
create index attribution_doubtful on attribution (appointment_id)
    where doubts <> '[]' or state <> 'open';
create index attribution_concerned on attribution using gin (concerned)
    where doubts <> '[]' or state <> 'open';

-- What was attributed before is looked at once more at the next start.
update applied_rule set digest = '';
