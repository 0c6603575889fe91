-- Who read what is found by what was read, and messages that were not sent are counted by reason.

-- What is written down about nobody in particular (readers, operators, releases), by what it is about.
create index audit_nobody_subject on audit_event (subject, id)
    where customer = x'00000000000000000000000000000000' and subject is not null;

-- How many messages were not sent, for good, and why. Kept by the triggers below, so that it is exact whatever statement
-- settles a message: a message is in one row as long as it is not sent, and goes out of it when evidence says otherwise.
create table not_sent_tally (
    journey integer not null,
    step integer not null,
    name integer not null,
    outcome integer not null,               -- see store::MessageOutcome, from 16 on
    code text not null,                     -- of the reason that decided, or of the provider's answer; may be empty
    rule text not null,                     -- the rule that gave it; may be empty
    n integer not null,
    primary key (journey, step, name, outcome, code, rule)
) without rowid;

-- The first reason that blocked, else what became of the hand-over.
insert into not_sent_tally (journey, step, name, outcome, code, rule, n)
select journey, step, name, outcome, coalesce(reason->>'code', answer, '') as code, coalesce(reason->>'rule', '') as rule,
    count(*)
from (
    select journey, step, name, outcome,
        (select r.value from json_each(case when json_valid(m.why) then m.why end, '$.reasons') r where case r.type when 'object' then r.value->>'outcome' = 'block' end
            order by r.key limit 1) as reason,
        case when json_valid(m.why) then coalesce(m.why->'outcome'->>'outcome', m.why->>'outcome') end as answer
    from message m where outcome >= 16)
group by journey, step, name, outcome, code, rule;

create trigger message_not_sent_new after insert on message when new.outcome >= 16
begin
    insert into not_sent_tally (journey, step, name, outcome, code, rule, n)
    select new.journey, new.step, new.name, new.outcome, coalesce(reason->>'code', answer, ''),
        coalesce(reason->>'rule', ''), 1
    from (
        select
            (select r.value from json_each(case when json_valid(new.why) then new.why end, '$.reasons') r
                where case r.type when 'object' then r.value->>'outcome' = 'block' end order by r.key limit 1) as reason,
            case when json_valid(new.why) then coalesce(new.why->'outcome'->>'outcome', new.why->>'outcome') end as answer)
    where true on conflict do update set n = n + 1;
end;

create trigger message_not_sent_any_more after update of outcome, why on message when old.outcome >= 16
begin
    update not_sent_tally set n = n - 1
    where (journey, step, name, outcome, code, rule) = (
        select old.journey, old.step, old.name, old.outcome, coalesce(reason->>'code', answer, ''),
            coalesce(reason->>'rule', '')
        from (
            select
                (select r.value from json_each(case when json_valid(old.why) then old.why end, '$.reasons') r
                    where case r.type when 'object' then r.value->>'outcome' = 'block' end order by r.key limit 1) as reason,
                case when json_valid(old.why) then coalesce(old.why->'outcome'->>'outcome', old.why->>'outcome') end
                    as answer));
end;

create trigger message_not_sent_now after update of outcome, why on message when new.outcome >= 16
begin
    insert into not_sent_tally (journey, step, name, outcome, code, rule, n)
    select new.journey, new.step, new.name, new.outcome, coalesce(reason->>'code', answer, ''),
        coalesce(reason->>'rule', ''), 1
    from (
        select
            (select r.value from json_each(case when json_valid(new.why) then new.why end, '$.reasons') r
                where case r.type when 'object' then r.value->>'outcome' = 'block' end order by r.key limit 1) as reason,
            case when json_valid(new.why) then coalesce(new.why->'outcome'->>'outcome', new.why->>'outcome') end as answer)
    where true on conflict do update set n = n + 1;
end;
