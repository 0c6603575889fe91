-- Tabi's tables. The same numbers and names hold for every database.
--
-- Rules kept by all of them:
--   * shard leads every primary, unique and claim key; it is shard_of(customer), or of the blind index where a row is
--     found by address or outside id.
--   * ids are 16 bytes, instants microseconds UTC since 1970, names are small integers of `symbol`.
--   * hot rows are small and fixed; sealed blobs (personal data, encrypted by subject keys) lie elsewhere.
--   * what may fall due has `due_at`, null where it waits for nothing.

-- Names, once: journeys, steps, messages, channels, purposes, event names, segments, sources.
create table symbol (
    id integer primary key,
    name text not null unique
);

-- One value each: instance id, live release, stop epoch, business clock, go-live.
create table setting (
    name text primary key,
    value text not null
) without rowid;

-- Customers: the hot row. The due row and the lock are the customer's.
create table customer (
    shard integer not null,
    id blob not null,
    due_at integer,                         -- the least of everything of theirs that falls due; pending events: at once
    guard_version integer not null,         -- raised by consent, suppression, cap use, unapplied events
    profile_version integer not null,       -- raised when somebody else than a step changes profile, facts, enrollments
    next_seq integer not null,              -- the next event's place
    applied_seq integer not null,           -- events below or at this are applied
    next_n integer not null,                -- the next place among words of consent
    last_decision blob,                     -- the newest of their decisions, which names the one before
    flags integer not null,                 -- 1: merged away, 2: erased
    created_at integer not null,
    primary key (shard, id)
) without rowid;
create index customer_due on customer (shard, due_at) where due_at is not null;

create table customer_profile (
    shard integer not null,
    id blob not null,
    redirect_to blob,                       -- the customer this one was merged into
    profile blob not null,                  -- sealed words::Customer
    facts blob,                             -- sealed engine::Facts
    updated_at integer not null,
    primary key (shard, id)
) without rowid;

create index customer_redirect on customer_profile (redirect_to) where redirect_to is not null;

-- Outside ids (user id, anonymous id, e-mail, phone …) to customers, by blind index. The shard is the index's.
create table identity (
    shard integer not null,
    bidx blob not null,                     -- blind(kind, value)
    kind integer not null,                  -- symbol: user_id, anonymous_id, email, sms, push …
    customer blob not null,
    created_at integer not null,
    -- An id of the shop is one customer's; an address may be that of several, and the oldest is found by it.
    primary key (shard, bidx, customer)
) without rowid;
create index identity_customer on identity (customer);

-- Addresses that must not be written to, by blind index; outlives the customer.
create table suppression (
    shard integer not null,
    bidx blob not null,
    channel integer not null,
    reason text not null,                   -- bounce, complaint, manual, unsubscribe_all
    at integer not null,
    expires_at integer,
    source text not null,                   -- who or what said so
    primary key (shard, bidx, channel)
) without rowid;

-- The history of consent: every word, never changed. The newest words are in the profile too.
create table consent_change (
    shard integer not null,
    customer blob not null,
    n integer not null,
    at integer not null,
    recorded_at integer not null,
    purpose integer,
    channel integer,
    state integer not null,                 -- 1 granted, 2 revoked
    body blob not null,                     -- sealed words::Consent
    primary key (shard, customer, n)
) without rowid;

-- Events, in the commit order of their customer.
create table event (
    shard integer not null,
    customer blob not null,
    seq integer not null,
    id blob not null,
    name integer not null,
    kind integer not null,                  -- 0 live, 1 history
    source integer not null,
    occurred_at integer not null,
    received_at integer not null,
    properties blob,                        -- sealed; null: none
    primary key (shard, customer, seq)
) without rowid;

-- Message ids seen in the last 30 days.
create table event_seen (
    shard integer not null,
    customer blob not null,
    hash blob not null,                     -- 16 bytes over source and message id
    at integer not null,
    primary key (shard, customer, hash)
) without rowid;

-- Items that could not be taken in, with the reason; can be replayed.
create table rejected_event (
    shard integer not null,
    id blob not null,
    at integer not null,
    source integer not null,
    name text not null,
    code text not null,
    reason text not null,                   -- in words, free of personal data
    body blob not null,                     -- sealed, as received
    replayed_at integer,
    primary key (shard, id)
) without rowid;
create index rejected_event_time on rejected_event (at);

-- Event names nobody declared: received, not understood yet.
create table unknown_event (
    name text primary key,
    first_at integer not null,
    last_at integer not null,
    count integer not null,
    sample blob                             -- sealed property names and types
) without rowid;

-- Answers already given under an Idempotency-Key (7 days).
create table idempotency (
    shard integer not null,
    hash blob not null,                     -- over the API key and the idempotency key
    at integer not null,
    request_hash blob not null,
    status integer,                         -- null while the first is running
    answer text,
    primary key (shard, hash)
) without rowid;

-- Segment membership, and when time alone may change it. Also dates that start journeys.
create table customer_segment (
    shard integer not null,
    customer blob not null,
    segment integer not null,               -- symbol: `<segment>#<hash of its definition>`, or `date:<journey>`
    member integer not null,
    since integer not null,
    flip_at integer,
    primary key (shard, customer, segment)
) without rowid;
create index customer_segment_members on customer_segment (segment, customer) where member = 1;

-- Programs, by hash; enrollments are pinned to one.
create table program (
    no integer primary key,
    hash text not null unique,
    journey integer not null,
    body text not null,                     -- journey::Program as JSON
    created_at integer not null
);

create table release (
    id blob primary key,
    created_at integer not null,
    created_by text not null,
    note text not null,
    manifest text not null,                 -- programs, messages, locales, brand, packs with their hashes
    files blob not null                     -- the project's files, as one archive
) without rowid;

create table release_program (
    release blob not null,
    program integer not null,
    primary key (release, program)
) without rowid;

-- Which release was live when, and by whose hand.
create table release_live (
    n integer primary key,
    release blob not null,
    at integer not null,
    by text not null,
    action text not null                    -- deploy, rollback
);

-- Enrollments: the hot row.
create table enrollment (
    shard integer not null,
    customer blob not null,
    id blob not null,
    program integer not null,
    journey integer not null,
    key blob not null,                      -- 16 bytes over the key's value; zeroes: none
    status integer not null,                -- 0 live; else engine::Ending: 1 finished, 2 stopped, 3 superseded, 4 merged, 5 goal
    pc integer not null,
    waiting integer not null,               -- engine::Position, column by column
    due_at integer,
    started_at integer not null,
    since integer not null,
    arrived_at integer not null,
    ended_at integer,
    goal_at integer,
    cause_seq integer not null,             -- the event that started it; 0: none
    reason text,                            -- why it ended
    primary key (shard, customer, id)
) without rowid;
create unique index enrollment_live on enrollment (shard, customer, journey, key) where status = 0;
create index enrollment_journey on enrollment (journey, started_at);

create table enrollment_context (
    shard integer not null,
    customer blob not null,
    id blob not null,
    body blob not null,                     -- sealed engine::Context
    primary key (shard, customer, id)
) without rowid;

-- Goals reached, and what they earned.
create table goal (
    shard integer not null,
    customer blob not null,
    enrollment blob not null,
    journey integer not null,
    at integer not null,
    minor integer,
    currency text,
    primary key (shard, customer, enrollment)
) without rowid;
create index goal_journey on goal (journey, at);

-- Figures, kept up to date in the transactions that change them: enrollments on each node …
create table place_tally (
    program integer not null,
    pc integer not null,
    n integer not null,
    primary key (program, pc)
) without rowid;

-- … and how often what happened. Step, name, channel: symbols or 0; a revenue's name is its currency.
create table tally (
    journey integer not null,
    kind integer not null,                  -- see store's tally
    step integer not null,
    name integer not null,
    channel integer not null,
    n integer not null,
    primary key (journey, kind, step, name, channel)
) without rowid;

-- … and how many messages were not sent, for good, and why: a message is in one row as long as it is not sent, and goes
-- out of it when evidence says otherwise.
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

-- Messages: what we mean to say, each once; also those that were not sent, with the reason.
create table message (
    shard integer not null,
    customer blob not null,
    id blob not null,                       -- begins with the time of its enrollment, see words::MessageId
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
    primary key (shard, customer, id)
) without rowid;
create index message_place on message (n, planned_at);
create index message_id on message (id);

-- Which messages have what: for each property and value a bit for each message, in blocks of 4,096 places of the log.
-- Kept up to date in the transactions that change messages; see store's bits.
create table message_bits (
    dim integer not null,                   -- 1 journey, 2 purpose, 3 outcome, 4 channel of a delivery, 5 name
    value integer not null,
    block integer not null,                 -- message.n / 4096
    bits blob not null,                     -- 512 bytes, a bit for each place; where few are set, their places, two bytes each
    primary key (dim, value, block)
) without rowid;

-- When the messages of a stretch of the log were planned: to find a period in it.
create table message_span (
    length integer not null,                -- 256 or 65,536
    span integer not null,                  -- message.n / length
    least_at integer not null,
    most_at integer not null,
    primary key (length, span)
) without rowid;

-- Deliveries: saying a message to one address.
create table delivery (
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
    primary key (shard, customer, message, id)
) without rowid;
create index delivery_due on delivery (shard, channel, due_at) where due_at is not null;
create index delivery_parked on delivery (shard) where state = 0 and due_at is null;
create index delivery_lease on delivery (lease_until) where lease_until is not null;
create index delivery_trouble on delivery (state, planned_at) where state in (4, 6, 7, 8, 9);

-- Who was ever meant by an address: a row for each pair, not for each delivery.
create table addressed (
    shard integer not null,                 -- of the blind index
    bidx blob not null,                     -- delivery.address_bidx
    customer blob not null,
    primary key (shard, bidx, customer)
) without rowid;

-- What final content is compressed against: messages made from their samples, in which nobody is named.
create table likeness (
    id integer primary key,
    hash blob not null unique,              -- SHA-256 of the text
    body blob not null                      -- compressed
);

-- The address as used, and the final content as handed over: the bytes and the parts they were made of. Sealed.
create table content (
    shard integer not null,
    customer blob not null,
    delivery blob not null,
    address blob not null,
    media text,
    body blob,                              -- sealed and packed; null until rendered
    likeness integer,                       -- what it was compressed against
    commitment blob,                        -- HMAC over the bytes under a salt inside the sealed blob
    locale text,
    release blob,                           -- the release that rendered it
    primary key (shard, delivery)           -- in the order of time, as are the next two
) without rowid;

create table attempt (
    shard integer not null,
    customer blob not null,
    delivery blob not null,
    n integer not null,
    started_at integer not null,            -- business clock
    ended_at integer,
    node text not null,
    fence integer not null,
    outcome text,                           -- channel::Outcome by name
    stage text,
    answer text,                            -- the provider's words, free of addresses
    provider_id text,
    primary key (shard, delivery, n)
) without rowid;

create table receipt (
    shard integer not null,
    customer blob not null,
    delivery blob not null,
    n integer not null,
    kind integer not null,
    at integer not null,
    recorded_at integer not null,
    detail text not null,
    primary key (shard, delivery, n)
) without rowid;

-- Uses of rolling caps.
create table cap_use (
    shard integer not null,
    customer blob not null,
    at integer not null,
    delivery blob not null,
    channel integer not null,
    primary key (shard, customer, at, delivery)
) without rowid;

-- Decisions, for the customer's page and `tabi why`: one row for each step of a customer, however much was decided. They
-- lie in the order of time, and each names the one before of the same customer: what a batch writes lies together, however
-- long the customers' histories are.
create table decision (
    shard integer not null,
    id blob not null,                       -- UUIDv7
    customer blob not null,
    at integer not null,
    prior blob,                             -- the decision before, while it is kept; null: none
    body text not null,                     -- JSON: a list, see store's decided; free of personal data
    primary key (shard, id)
) without rowid;

-- Calls that journeys make.
create table call (
    shard integer not null,
    customer blob not null,
    enrollment blob not null,
    step integer not null,
    visit integer not null,
    name integer not null,
    due_at integer,
    fence integer not null,
    lease_until integer,
    attempts integer not null,
    give_up_at integer not null,
    state integer not null,                 -- 0 waiting, 1 answered, 2 failed
    request blob not null,                  -- sealed
    primary key (shard, customer, enrollment, step, visit)
) without rowid;
create index call_due on call (shard, due_at) where due_at is not null;
create index call_lease on call (lease_until) where lease_until is not null;

-- Notices to the team.
create table notice (
    shard integer not null,
    id blob not null,
    at integer not null,
    to_whom text not null,
    customer blob,
    journey integer,
    body blob not null,                     -- sealed text
    seen_at integer,
    seen_by text,
    primary key (shard, id)
) without rowid;

-- What is written down, in the transaction that makes it true. Sequenced into the audit log later. In the order of time;
-- subjects begin with their time too, so that what happens at one time is written to one place, however long the log is.
create table audit_event (
    shard integer not null,
    id blob not null,                       -- UUIDv7
    at integer not null,
    kind integer not null,                  -- symbol: message.planned, consent.revoked, release.deployed …
    customer blob not null,                 -- zeroes: about nobody in particular
    subject blob,                           -- the message, delivery, enrollment … it is about
    body text not null,                     -- JSON, free of personal data
    primary key (shard, id)
) without rowid;
create index audit_subject on audit_event (subject, id) where subject is not null;
create index audit_nobody on audit_event (id) where customer = x'00000000000000000000000000000000';

-- Catalogues of items.
create table item (
    shard integer not null,                 -- of the item's key
    catalog integer not null,
    key text not null,
    body text not null,
    updated_at integer not null,
    primary key (shard, catalog, key)
) without rowid;

create table account (
    shard integer not null,                 -- of the key
    key text not null,
    traits text not null,
    updated_at integer not null,
    primary key (shard, key)
) without rowid;

-- Scans over customers that can be resumed: schedules, broadcasts, catalogue changes, backfills, imports.
create table fanout (
    id blob primary key,
    kind text not null,
    body text not null,                     -- JSON: what to do
    segment integer,                        -- symbol: its members; null: everybody
    cursor_shard integer not null,
    cursor_customer blob not null,
    count integer not null,
    created_at integer not null,
    finished_at integer
) without rowid;

-- Stops in force: everything, or one journey, channel, purpose. The epoch in `setting` rises with every change.
create table stop (
    scope text not null,                    -- all, journey, channel, purpose
    value text not null,
    at integer not null,
    by text not null,
    reason text not null,
    primary key (scope, value)
) without rowid;

-- Operators and keys.
create table operator (
    name text primary key,
    role text not null,                     -- admin, marketer, operator, reviewer
    password text not null,                 -- argon2id
    created_at integer not null,
    disabled_at integer
) without rowid;

create table session (
    hash blob primary key,                  -- SHA-256 of the token
    operator text not null,
    created_at integer not null,            -- machine clock
    seen_at integer not null,
    csrf text not null
) without rowid;

create table api_key (
    hash blob primary key,                  -- SHA-256 of the key
    name text not null,
    kind text not null,                     -- server, browser
    scopes text not null,                   -- JSON
    created_at integer not null,
    created_by text not null,
    expires_at integer,
    revoked_at integer,
    last_used_at integer
) without rowid;

-- Nodes of this instance and their last sign of life (machine clock).
create table node (
    name text primary key,
    started_at integer not null,
    seen_at integer not null
) without rowid;
