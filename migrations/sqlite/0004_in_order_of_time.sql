-- Messages and deliveries lie in the order of time, as their content, their attempts and the decisions do. Each at its
-- customer's place, every message wrote to pages of its own, three times over, and the more of them the longer the log was.
-- A customer's messages are found by an index; their open deliveries, which every step asks for, by another that holds no more
-- than these.
create table message_in_time (
    shard integer not null,
    customer blob not null,
    id blob not null,                       -- begins with the time of what made it be planned, see words::MessageId
    n integer not null,                     -- its place in the log: 1, 2, 3 … as they were written down
    origin integer not null,                -- 0 journey, 1 API, 2 system
    enrollment blob,
    journey integer not null,
    step integer not null,
    visit integer not null,
    name integer not null,                  -- the message in templates/
    purpose integer not null,
    class integer not null,
    priority integer not null,
    program integer,
    release blob,
    cause_seq integer not null,
    planned_at integer not null,
    expires_at integer,
    outcome integer not null,               -- see store::MessageOutcome
    settled_at integer,
    why text,                               -- JSON: verdict, reasons, consent it stood on, packs
    inputs blob,                            -- sealed inputs, pinned at planning
    primary key (shard, id)
) without rowid;
insert into message_in_time (shard, customer, id, n, origin, enrollment, journey, step, visit, name, purpose, class, priority,
        program, release, cause_seq, planned_at, expires_at, outcome, settled_at, why, inputs)
    select shard, customer, id, n, origin, enrollment, journey, step, visit, name, purpose, class, priority,
        program, release, cause_seq, planned_at, expires_at, outcome, settled_at, why, inputs
    from message order by shard, id;
drop table message;
alter table message_in_time rename to message;
create index message_customer on message (shard, customer);
create index message_place on message (n, planned_at);
create index message_id on message (id);

create table delivery_in_time (
    shard integer not null,
    customer blob not null,
    message blob not null,
    id blob not null,                       -- begins as the message's does: that is how it is found, see words::DeliveryId
    ordinal integer not null,
    channel integer not null,
    address_bidx blob not null,
    state integer not null,                 -- see store::DeliveryState
    due_at integer,                         -- when it may be claimed next; null: not to be claimed
    fence integer not null,
    lease_until integer,                    -- machine clock
    attempts integer not null,
    strikes integer not null,               -- attempts without an answer; three quarantine
    planned_at integer not null,
    handed_at integer,
    settled_at integer,
    delivery_class integer not null,        -- 0 never-twice, 1 never-lost, 2 keyed
    provider text,
    why text,                               -- JSON: the last verdict
    primary key (shard, message, id)
) without rowid;
insert into delivery_in_time (shard, customer, message, id, ordinal, channel, address_bidx, state, due_at, fence, lease_until,
        attempts, strikes, planned_at, handed_at, settled_at, delivery_class, provider, why)
    select shard, customer, message, id, ordinal, channel, address_bidx, state, due_at, fence, lease_until,
        attempts, strikes, planned_at, handed_at, settled_at, delivery_class, provider, why
    from delivery order by shard, message, id;
drop table delivery;
alter table delivery_in_time rename to delivery;
create index delivery_open on delivery (shard, customer) where state in (0, 1, 2);
create index delivery_due on delivery (shard, channel, due_at) where due_at is not null;
create index delivery_parked on delivery (shard) where state = 0 and due_at is null;
create index delivery_lease on delivery (lease_until) where lease_until is not null;
create index delivery_trouble on delivery (state, planned_at) where state in (4, 6, 7, 8, 9);
