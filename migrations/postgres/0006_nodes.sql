-- What a node tells of itself: which place it works in (one life at a time), what it does, which version, where. A release
-- before this one says none of it.
alter table node add column place text not null default '';
alter table node add column role text not null default '';
alter table node add column version text not null default '';
alter table node add column host text not null default '';
alter table node add column process bigint not null default 0;
alter table node add column listens text not null default '';
