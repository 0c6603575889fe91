-- Notices that go to somebody's mailbox as well: when the mail is due (null: none is, or it is settled), how often it was
-- tried, and what came of it.
alter table notice add column mail_due bigint;
alter table notice add column mail_tries bigint not null default 0;
alter table notice add column mail_outcome text;
create index notice_mail on notice (shard, mail_due) where mail_due is not null;
