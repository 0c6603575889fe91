-- Messages and deliveries lie in the order of time, as their content, their attempts and the decisions do. A customer's
-- messages are found by an index; their open deliveries, which every step asks for, by another that holds no more than these.
alter table message drop constraint message_pkey;
alter table message add primary key (shard, id);
create index message_customer on message (shard, customer);

alter table delivery drop constraint delivery_pkey;
alter table delivery add primary key (shard, message, id);
create index delivery_open on delivery (shard, customer) where state in (0, 1, 2);
