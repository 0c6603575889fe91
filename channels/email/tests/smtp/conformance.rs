//! The suite that every adapter passes.

use crate::{
    parcel,
    relay::{Fault, Place, Plan, Relay},
};
use channel::conformance::{FarSide, Script, Soon, exercise};
use email::{SmtpAdapter, SmtpConfig, Tls};
use std::time::Duration;
use tokio::time::Instant;

struct Far {
    relay: Relay,
    start: Instant,
}

impl FarSide for Far {
    fn script<'a>(&'a self, script: Script) -> Soon<'a, bool> {
        Box::pin(async move {
            let fault = match script {
                Script::Accept | Script::Gone => None,
                Script::AddressDead => {
                    Some((Place::Rcpt, Fault::Says("550 5.1.1 <taro@example.jp>: no such user")))
                }
                Script::Refuse => Some((Place::Dot, Fault::Says("554 5.7.1 looks like spam"))),
                Script::Misconfigured => {
                    Some((Place::Mail, Fault::Says("530 5.7.0 authentication required")))
                }
                Script::Throttle => {
                    Some((Place::Rcpt, Fault::Says("421 4.7.0 too fast, try again in 5 minutes")))
                }
                Script::Unavailable => Some((Place::Dot, Fault::Says("451 4.3.0 queue file write error"))),
                Script::SilentBeforeContent => Some((Place::Banner, Fault::Silence)),
                Script::SilentAfterContent => Some((Place::Dot, Fault::Silence)),
                Script::ResetAfterContent => Some((Place::Dot, Fault::Reset)),
                Script::GarbageAfterContent => Some((Place::Dot, Fault::Garbage)),
                Script::SlowAfterContent => Some((Place::Dot, Fault::Slow)),
                Script::EndlessAfterContent => Some((Place::Dot, Fault::Endless)),
            };
            self.relay.set_open(script != Script::Gone).await;
            // Hostile content is handed over hundreds of times: there kept connections stay.
            if self.relay.plan.lock().unwrap().fault.is_some() || fault.is_some() || script == Script::Gone {
                self.relay.hang_up().await;
            }
            self.relay.plan.lock().unwrap().fault = fault;
            self.relay.seen.lock().unwrap().contents.clear();
            true
        })
    }

    fn taken<'a>(&'a self) -> Soon<'a, Vec<Vec<u8>>> {
        Box::pin(async { self.relay.contents() })
    }

    fn sleep<'a>(&'a self, time: Duration) -> Soon<'a, ()> {
        Box::pin(tokio::time::sleep(time))
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

async fn conforms(pipelining: bool) {
    let relay = Relay::start(Plan { pipelining, ..Plan::default() }).await;
    let config = SmtpConfig { pool_max: 8, ..SmtpConfig::new("127.0.0.1", relay.address.port(), Tls::None) };
    let adapter = SmtpAdapter::new(config).unwrap();
    let far = Far { relay, start: Instant::now() };
    assert_eq!(exercise(&adapter, &far, &parcel()).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_adapter_keeps_the_contract_with_pipelining() {
    conforms(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_adapter_keeps_the_contract_without_pipelining() {
    conforms(false).await;
}
