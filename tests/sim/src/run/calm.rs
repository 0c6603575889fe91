//! The end of every run: whatever was wrong is over, and all that began must come to its end.

use super::Run;
use crate::clock::{HOUR, SECOND};
use crate::world::{Came, Work};
use std::sync::atomic::Ordering;
use store::StopScope;

/// How far the end looks: longer than any journey here takes.
const HORIZON: i64 = 90 * 24 * HOUR;

impl Run {
    /// All is well from now on; lets everything come to its end.
    pub(super) async fn calm(&mut self) -> anyhow::Result<()> {
        self.world.go_on();
        if self.world.ended() {
            self.restart(false).await?;
        }
        self.world.providers.calm.store(true, Ordering::SeqCst);
        self.world.book().note("all is calm".to_owned());
        for nth in 0..self.world.nodes.len() {
            for _ in 0..50 {
                if !self.world.nodes.get(nth).is_some_and(crate::world::Node::busy) {
                    break;
                }
                self.advance(nth).await?;
            }
        }
        let stops: Vec<String> = self.world.book().stops.iter().cloned().collect();
        for name in stops {
            let (kind, value) = name.split_once(' ').unwrap_or((&name, ""));
            let scope = match kind {
                "journey" => StopScope::Journey(value.to_owned()),
                "channel" => StopScope::Channel(value.to_owned()),
                "purpose" => StopScope::Purpose(value.to_owned()),
                _ => StopScope::All,
            };
            self.switch(&name, scope).await?;
        }
        let until = self.world.time.now() + HORIZON;
        let mut patience = SECOND;
        for turn in 0..3000 {
            // Somebody falls over now and then until the last poison is set aside.
            let nth = turn % self.world.nodes.len().max(1);
            let did = self.node(nth, Work::Round, None).await?;
            if !self.world.book().breaches.is_empty() {
                return Ok(());
            }
            patience = if matches!(did, Came::Done(false)) { (patience * 2).min(HOUR) } else { SECOND };
            if did == Came::Done(true) {
                continue;
            }
            let next = self.next_due()?.filter(|next| *next <= until);
            let lapse = match next {
                Some(next) => (next - self.world.time.now()).max(patience),
                None if turn < 4 => 300 * SECOND,
                None => break,
            };
            self.world.time.pass(lapse, lapse);
            self.node(nth, Work::Sweep, None).await?;
        }
        Ok(())
    }

    /// An older copy is put in place: nothing may go out until a person says that it is meant.
    pub(super) async fn restored(&mut self) -> anyhow::Result<()> {
        self.restart(true).await?;
        if self.world.store()?.held().is_none() {
            self.world.book().breach("P9", "a restored database is not held".to_owned());
        }
        for _ in 0..12 {
            self.node(0, Work::Round, None).await?;
            self.node(0, Work::Sweep, None).await?;
            self.world.time.pass(5 * HOUR, 5 * HOUR);
        }
        Ok(())
    }
}
