//! What the console and the command line show.

use super::Store;
use super::customer::{consent_cell, follow, merged_into};
use super::keys::{events_key, profile_key};
use super::open::shard;
use super::sealed::SealedEvent;
use super::tally::Kind;
use crate::console::newest_first;
use crate::{
    CustomerPage, EnrollmentRow, JourneyCounts, LogFilter, MessageCounts, MessageOutcome, NotSentCount,
    StoreError, TimelineItem, Totals,
};
use db::{signed, unsigned};
use std::collections::BTreeMap;
use words::{Consent, Customer, CustomerId, EnrollmentId, Event, Timestamp};

/// Words on consent, the last recorded first.
const CONSENTS: &str = "select at, recorded_at, body from consent_change \
     where shard = ? and customer = ? and recorded_at < ? order by n desc limit ?";
/// At most so many words of one customer are shown.
const WORDS_MAX: i64 = 1000;

impl Store {
    /// Figures of all journeys, or one. Kept up to date as things happen: reading them scans nothing.
    pub async fn journey_counts(&self, journey: Option<&str>) -> Result<Vec<JourneyCounts>, StoreError> {
        let only = journey.map(|journey| self.sym_or_none(journey));
        let mut conn = self.read().await?;
        let rows = db::query(
            "select journey, kind, step, name, channel, n from tally where ?1 is null or journey = ?1",
        )
        .bind(only)
        .fetch_all(&mut *conn)
        .await?;
        let places = db::query(
            "select p.journey, t.program, t.pc, t.n from place_tally t join program p on p.no = t.program \
             where t.n > 0 and (?1 is null or p.journey = ?1)",
        )
        .bind(only)
        .fetch_all(&mut *conn)
        .await?;
        drop(conn);
        let not_sent = self.not_sent_counts(journey).await?;
        let mut counts: BTreeMap<i64, JourneyCounts> = BTreeMap::new();
        let mut messages: BTreeMap<(i64, i64, i64, i64), MessageCounts> = BTreeMap::new();
        for row in rows {
            let journey: i64 = row.try_get(0)?;
            let (kind, n): (i64, i64) = (row.try_get(1)?, row.try_get(5)?);
            let (step, name, channel): (i64, i64, i64) = (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
            let of = counts.entry(journey).or_default();
            if kind >= Kind::Planned as i64 {
                let message = messages.entry((journey, step, name, channel)).or_default();
                if message.name.is_empty() {
                    message.step = self.name(step)?.to_string();
                    message.name = self.name(name)?.to_string();
                    message.channel =
                        if channel == 0 { String::new() } else { self.name(channel)?.to_string() };
                }
                *figure(message, kind)? += unsigned(n);
            } else if kind == Kind::Revenue as i64 {
                of.revenue.push((self.name(name)?.to_string(), n));
            } else if kind == Kind::Enrolled as i64 {
                of.enrolled = unsigned(n);
            } else if kind == Kind::Finished as i64 {
                of.finished = unsigned(n);
            } else if kind == Kind::Stopped as i64 {
                of.stopped = unsigned(n);
            } else if kind == Kind::Converted as i64 {
                of.converted = unsigned(n);
            }
        }
        for row in places {
            let place = (
                row.try_get(1)?,
                u32::try_from(row.try_get::<i64, _>(2)?).unwrap_or(0),
                unsigned(row.try_get(3)?),
            );
            counts.entry(row.try_get(0)?).or_default().places.push(place);
        }
        for held_back in not_sent {
            let [journey, step, name] =
                [&held_back.journey, &held_back.step, &held_back.name].map(|name| self.sym_or_none(name));
            let message = messages.entry((journey, step, name, 0)).or_default();
            message.not_sent += held_back.n;
            if message.name.is_empty() {
                (message.step, message.name) = (held_back.step, held_back.name);
            }
        }
        for ((journey, ..), message) in messages {
            counts.entry(journey).or_default().messages.push(message);
        }
        counts
            .into_iter()
            .map(|(journey, mut of)| {
                of.journey = self.name(journey)?.to_string();
                of.live = of.enrolled.saturating_sub(of.finished + of.stopped);
                of.messages
                    .sort_by(|a, b| (&a.step, &a.name, &a.channel).cmp(&(&b.step, &b.name, &b.channel)));
                Ok(of)
            })
            .collect()
    }

    /// How many messages were not sent, for good, and why; of all journeys, or one. Kept as things happen, and exact.
    pub async fn not_sent_counts(&self, journey: Option<&str>) -> Result<Vec<NotSentCount>, StoreError> {
        let only = journey.map(|journey| self.sym_or_none(journey));
        let mut conn = self.read().await?;
        let rows = db::query(
            "select journey, step, name, outcome, code, rule, n from not_sent_tally \
             where n > 0 and (?1 is null or journey = ?1)",
        )
        .bind(only)
        .fetch_all(&mut *conn)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(NotSentCount {
                    journey: self.name(row.try_get(0)?)?.to_string(),
                    step: self.name(row.try_get(1)?)?.to_string(),
                    name: self.name(row.try_get(2)?)?.to_string(),
                    outcome: MessageOutcome::of(row.try_get(3)?)?,
                    code: row.try_get(4)?,
                    rule: row.try_get(5)?,
                    n: unsigned(row.try_get(6)?),
                })
            })
            .collect()
    }

    /// One customer's page; `limit` items in the timeline. `None`: no such customer.
    pub async fn customer_page(
        &self,
        id: CustomerId,
        limit: usize,
    ) -> Result<Option<CustomerPage>, StoreError> {
        let mut conn = self.read().await?;
        let Some(id) = follow(&mut conn, id).await? else { return Ok(None) };
        let mut enrollments = Vec::new();
        for whose in self.and_merged(&mut conn, id).await? {
            let rows = db::query(
                "select id, program, journey, status, pc, due_at, started_at, ended_at, goal_at, reason from enrollment \
                 where shard = ? and customer = ?",
            )
            .bind(shard(whose))
            .bind(whose.0.to_vec())
            .fetch_all(&mut *conn)
            .await?;
            for row in &rows {
                enrollments.push(self.enrollment_row(row, 0)?);
            }
        }
        enrollments.sort_by_key(|row| std::cmp::Reverse((row.started_at, row.id)));
        let rows =
            db::query("select segment from customer_segment where shard = ? and customer = ? and member = 1")
                .bind(shard(id))
                .bind(id.0.to_vec())
                .fetch_all(&mut *conn)
                .await?;
        let mut segments = rows
            .iter()
            .map(|row| {
                let name = self.name(row.try_get(0)?)?;
                // Stored with a hash of its definition behind it.
                Ok(name.split('#').next().unwrap_or(&name).to_owned())
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        segments.sort();
        drop(conn);
        let customer = self.customer(id).await?;
        let mut suppressions = Vec::new();
        if let Some(customer) = &customer {
            let places: Vec<_> = customer
                .addresses
                .iter()
                .map(|address| self.blind(address.channel.as_str(), &address.value))
                .collect();
            suppressions = self
                .aside(move |store, conn| {
                    let mut all = Vec::new();
                    store.suppressed(conn, &places, |_, row| all.push(row))?;
                    Ok(all)
                })
                .await?;
        }
        let words = self.consent_words(id).await?;
        let erasure = if customer.is_none() { self.erasure(id).await? } else { None };
        let timeline = self.customer_timeline(id, None, limit).await?;
        Ok(Some(CustomerPage { customer, id, enrollments, segments, suppressions, words, erasure, timeline }))
    }

    pub(super) async fn and_merged(
        &self,
        conn: &mut db::Reader,
        id: CustomerId,
    ) -> Result<Vec<CustomerId>, StoreError> {
        let mut all = vec![id];
        let mut at = 0;
        while let Some(one) = all.get(at).copied() {
            all.extend(merged_into(conn, one).await?);
            at += 1;
        }
        Ok(all)
    }

    fn enrollment_row(&self, row: &db::Row, at: usize) -> Result<EnrollmentRow, StoreError> {
        let time = |n: usize| -> Result<Option<Timestamp>, StoreError> {
            Ok(row.try_get::<Option<i64>, _>(at + n)?.map(Timestamp::from_micros))
        };
        Ok(EnrollmentRow {
            id: EnrollmentId::from_slice(row.try_get(at)?)
                .ok_or_else(|| StoreError::corrupt("enrollment.id"))?,
            program: row.try_get(at + 1)?,
            journey: self.name(row.try_get(at + 2)?)?.to_string(),
            status: u8::try_from(row.try_get::<i64, _>(at + 3)?).unwrap_or(u8::MAX),
            pc: u32::try_from(row.try_get::<i64, _>(at + 4)?).unwrap_or(0),
            due_at: time(5)?,
            started_at: time(6)?.unwrap_or_default(),
            ended_at: time(7)?,
            goal_at: time(8)?,
            reason: row.try_get(at + 9)?,
        })
    }

    /// Everything about a customer, and about those merged into them, newest first, before `before`.
    pub async fn customer_timeline(
        &self,
        id: CustomerId,
        before: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<TimelineItem>, StoreError> {
        let whose = {
            let mut conn = self.read().await?;
            let Some(id) = follow(&mut conn, id).await? else { return Ok(Vec::new()) };
            self.and_merged(&mut conn, id).await?
        };
        let before = before.unwrap_or(Timestamp::MAX);
        let mut items = Vec::new();
        let filter = LogFilter { customer: whose.first().copied(), to: Some(before), ..LogFilter::default() };
        let page = self.log_search(&filter, None, limit).await?;
        items.extend(page.rows.into_iter().map(|row| TimelineItem::Message(Box::new(row))));
        for id in whose {
            self.timeline_of(id, before, limit, &mut items).await?;
        }
        newest_first(&mut items);
        items.truncate(limit);
        Ok(items)
    }

    /// Every word on consent of a customer and of those merged into them, newest first; empty where they were erased.
    pub async fn consent_words(&self, id: CustomerId) -> Result<Vec<Consent>, StoreError> {
        let (whose, mut words) = {
            let mut conn = self.read().await?;
            let Some(id) = follow(&mut conn, id).await? else { return Ok(Vec::new()) };
            (self.and_merged(&mut conn, id).await?, Vec::new())
        };
        for id in whose {
            let rows = {
                let mut conn = self.read().await?;
                rows_of(&mut conn, CONSENTS, (id, i64::MAX, WORDS_MAX)).await?
            };
            words.extend(self.open_consents(id, &rows).await?.into_iter().map(|(_, consent)| consent));
        }
        words.sort_by_key(|word| std::cmp::Reverse(word.at));
        Ok(words)
    }

    async fn open_consents(
        &self,
        id: CustomerId,
        rows: &[db::Row],
    ) -> Result<Vec<(Timestamp, Consent)>, StoreError> {
        let keys = self.old_keys([profile_key(id)]).await?;
        let mut words = Vec::new();
        for row in rows {
            let cell = consent_cell(id, Timestamp::from_micros(row.try_get(0)?));
            let consent: Option<Consent> =
                keys.open_json(profile_key(id), "consent_change", "body", &cell, row.try_get(2)?)?;
            if let Some(consent) = consent {
                words.push((Timestamp::from_micros(row.try_get(1)?), consent));
            }
        }
        Ok(words)
    }

    async fn timeline_of(
        &self,
        id: CustomerId,
        before: Timestamp,
        limit: usize,
        items: &mut Vec<TimelineItem>,
    ) -> Result<(), StoreError> {
        let limit = signed(limit as u64);
        let mut conn = self.read().await?;
        let before = before.as_micros();
        let events = rows_of(
            &mut conn,
            "select seq, id, name, kind, occurred_at, received_at, properties, source from event \
             where shard = ? and customer = ? and seq > 0 and received_at < ? order by seq desc limit ?",
            (id, before, limit),
        )
        .await?;
        // Newest first by itself: each names the one before.
        let decisions = rows_of(
            &mut conn,
            "with recursive chain (at, prior, body) as ( \
                select d.at, d.prior, d.body from customer c \
                cross join decision d on d.shard = c.shard and d.id = c.last_decision \
                where c.shard = ?1 and c.id = ?2 \
                union all \
                select d.at, d.prior, d.body from chain n cross join decision d on d.shard = ?1 and d.id = n.prior) \
             select at, body from chain where at < ?3 limit ?4",
            (id, before, limit),
        )
        .await?;
        let consents = rows_of(&mut conn, CONSENTS, (id, before, limit)).await?;
        drop(conn);
        for (row, (seq, event)) in events.iter().zip(self.open_events(id, &events).await?) {
            let source = self.name(row.try_get(7)?)?.to_string();
            items.push(TimelineItem::Event { seq, source, event });
        }
        for row in &decisions {
            items.extend(self.decisions_of(Timestamp::from_micros(row.try_get(0)?), row.try_get(1)?)?);
        }
        let said = self.open_consents(id, &consents).await?;
        items.extend(
            said.into_iter().map(|(recorded_at, consent)| TimelineItem::Consent { recorded_at, consent }),
        );
        Ok(())
    }

    pub(crate) fn opt_name(&self, symbol: Option<i64>) -> Result<Option<String>, StoreError> {
        symbol.map(|symbol| Ok(self.name(symbol)?.to_string())).transpose()
    }

    /// Customers, by shard and id: a page for lists and exports, not a ranking. Those merged away or erased are left out.
    pub async fn customers(
        &self,
        after: Option<CustomerId>,
        limit: usize,
    ) -> Result<Vec<Customer>, StoreError> {
        let (at_shard, id) = after.map_or((-1, Vec::new()), |id| (shard(id), id.0.to_vec()));
        let rows = {
            let mut conn = self.read().await?;
            db::query(
                "select c.id, p.profile from customer c cross join customer_profile p on p.shard = c.shard and p.id = c.id \
                 where (c.shard, c.id) > (?, ?) and c.flags = 0 order by c.shard, c.id limit ?",
            )
            .bind(at_shard)
            .bind(id)
            .bind(signed(limit as u64))
            .fetch_all(&mut *conn)
            .await?
        };
        let mut sealed: Vec<(CustomerId, Vec<u8>)> = Vec::with_capacity(rows.len());
        for row in rows {
            let id =
                CustomerId::from_slice(row.try_get(0)?).ok_or_else(|| StoreError::corrupt("customer"))?;
            sealed.push((id, row.try_get(1)?));
        }
        let keys = self.old_keys(sealed.iter().map(|(id, _)| profile_key(*id)).collect::<Vec<_>>()).await?;
        let mut customers = Vec::with_capacity(sealed.len());
        for (id, profile) in sealed {
            customers.extend(keys.open_packed::<Customer>(
                profile_key(id),
                "customer_profile",
                "profile",
                &id.0,
                &profile,
            )?);
        }
        Ok(customers)
    }

    /// Events of one customer from place `from` on, oldest first: to rebuild facts, to export.
    pub async fn events_of(
        &self,
        id: CustomerId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Event)>, StoreError> {
        let mut conn = self.read().await?;
        let rows = rows_of(
            &mut conn,
            "select seq, id, name, kind, occurred_at, received_at, properties from event \
             where shard = ? and customer = ? and seq >= ? order by seq limit ?",
            (id, signed(from), signed(limit as u64)),
        )
        .await?;
        drop(conn);
        self.open_events(id, &rows).await
    }

    /// Events of one customer from their rows, opened, with their places.
    async fn open_events(&self, id: CustomerId, rows: &[db::Row]) -> Result<Vec<(u64, Event)>, StoreError> {
        let sealed =
            rows.iter().map(|row| SealedEvent::read(self, row, 0)).collect::<Result<Vec<_>, StoreError>>()?;
        let wanted = sealed.iter().map(|event| events_key(id, event.received_at)).collect::<Vec<_>>();
        let keys = self.old_keys(wanted).await?;
        sealed.into_iter().map(|event| event.open(&keys, id)).collect()
    }

    /// Enrollments of a journey, newest first.
    pub async fn enrollments_of(
        &self,
        journey: &str,
        limit: usize,
    ) -> Result<Vec<(CustomerId, EnrollmentRow)>, StoreError> {
        let mut conn = self.read().await?;
        let rows = db::query(
            "select customer, id, program, journey, status, pc, due_at, started_at, ended_at, goal_at, reason \
             from enrollment indexed by enrollment_journey where journey = ? order by started_at desc limit ?",
        )
        .bind(self.sym_or_none(journey))
        .bind(signed(limit as u64))
        .fetch_all(&mut *conn)
        .await?;
        rows.iter()
            .map(|row| {
                let customer = CustomerId::from_slice(row.try_get(0)?)
                    .ok_or_else(|| StoreError::corrupt("enrollment"))?;
                Ok((customer, self.enrollment_row(row, 1)?))
            })
            .collect()
    }

    /// Sizes. Counts every customer: for `tabi doctor` and the front page, not for hot paths.
    pub async fn totals(&self, now: Timestamp) -> Result<Totals, StoreError> {
        let mut conn = self.read().await?;
        let size = match self.0.base.kind() {
            db::Kind::Sqlite => {
                "(select page_count * page_size from pragma_page_count(), pragma_page_size())"
            }
            db::Kind::Postgres => "pg_database_size(current_database())",
        };
        let row = db::query(&format!(
            "select (select count(*) from customer where flags = 0), \
                (select count(*) from customer indexed by customer_due where due_at is not null and due_at <= ?1), \
                (select count(*) from delivery indexed by delivery_due where due_at is not null and due_at <= ?1), \
                (select count(*) from delivery indexed by delivery_due where due_at is not null and due_at > ?1), \
                (select min(due_at) from delivery indexed by delivery_due where due_at is not null and due_at > ?1), \
                {size}",
        ))
        .bind(now.as_micros())
        .fetch_one(&mut *conn)
        .await?;
        Ok(Totals {
            customers: unsigned(row.try_get(0)?),
            steps_due: unsigned(row.try_get(1)?),
            sends_due: unsigned(row.try_get(2)?),
            sends_waiting: unsigned(row.try_get(3)?),
            next_send: row.try_get::<Option<i64>, _>(4)?.map(Timestamp::from_micros),
            bytes: unsigned(row.try_get(5)?),
        })
    }

    /// Copies the database, consistent while in use, to a new file. The copy starts held, unless a move was announced.
    /// On a server it is read as it was at one instant, table by table, and compared.
    pub async fn backup(&self, path: &std::path::Path) -> Result<crate::Copied, StoreError> {
        if path.exists() {
            return Err(StoreError::Conflict(format!("{} is there already", path.display())));
        }
        super::copy::copy_out(self, path).await
    }

    /// Checks the whole file; what is wrong, in words.
    pub async fn check(&self) -> Result<Vec<String>, StoreError> {
        let mut conn = self.read().await?;
        if self.0.base.kind() == db::Kind::Postgres {
            // The server looks after its files itself: `pg_amcheck` says more.
            return Ok(Vec::new());
        }
        let rows = db::query("pragma integrity_check(20)").fetch_all(&mut *conn).await?;
        let mut wrong = rows
            .iter()
            .map(|row| Ok(row.try_get::<String, _>(0)?))
            .collect::<Result<Vec<_>, StoreError>>()?;
        wrong.retain(|line| line != "ok");
        drop(conn);
        if wrong.is_empty() && !self.aside(|_, conn| super::bits::agree(conn)).await? {
            wrong.push(
                "the bits of the message log (message_bits) are not what the messages say: a search may miss some; \
                 restore the newest backup that passes this check"
                    .to_owned(),
            );
        }
        Ok(wrong)
    }
}

/// A page of what one customer has: the statement takes shard, customer, where the page ends or begins, and its length.
async fn rows_of(
    conn: &mut db::Reader,
    sql: &'static str,
    (id, bound, limit): (CustomerId, i64, i64),
) -> Result<Vec<db::Row>, StoreError> {
    let query = db::query(sql).bind(shard(id)).bind(id.0.to_vec()).bind(bound).bind(limit);
    Ok(query.fetch_all(conn).await?)
}

fn figure(message: &mut MessageCounts, kind: i64) -> Result<&mut u64, StoreError> {
    Ok(match kind {
        k if k == Kind::Planned as i64 => &mut message.planned,
        k if k == Kind::Sent as i64 => &mut message.sent,
        k if k == Kind::Inbox as i64 => &mut message.inbox,
        k if k == Kind::Delivered as i64 => &mut message.delivered,
        k if k == Kind::Opened as i64 => &mut message.opened,
        k if k == Kind::Clicked as i64 => &mut message.clicked,
        k if k == Kind::Bounced as i64 => &mut message.bounced,
        k if k == Kind::Complained as i64 => &mut message.complained,
        other => return Err(StoreError::corrupt(format!("tally.kind {other}"))),
    })
}
