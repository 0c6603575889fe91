-- How the provider of each channel stands: what was let through, its warm-up's day, and whether it is left alone. One row for
-- all nodes; whoever lets something through writes it in the transaction that claims.
create table channel_pace (
    channel bigint primary key,             -- symbol
    standing text not null                  -- JSON: channel::pace::Standing; free of personal data
);

-- What may not be lost goes first where a channel has a limit: there are few of them, and they have an index of their own.
alter table delivery add column urgent bigint not null default 0;
update delivery set urgent = 1 where due_at is not null and exists (
    select 1 from message m where m.shard = delivery.shard and m.id = delivery.message and m.class in (2, 3, 4));
create index delivery_urgent on delivery (shard, channel, due_at) where due_at is not null and urgent = 1;

-- Whose scan it is, until when (machine clock): one node at a time takes it further.
alter table fanout add column holder text;
alter table fanout add column held_until bigint;
