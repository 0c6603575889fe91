//! What a start loads.

use super::rig::Rig;
use crate::{Live, live::keep_compiled};

const CLUB: &str = "purpose: offers
start: {event: order_placed, once_per: order_id}
first_of: [email]
steps:
  - send: offer
";

#[tokio::test]
async fn a_start_loads_what_was_compiled_before_and_compiles_what_is_missing_or_bad() {
    let rig = Rig::new("2026-11-21T10:00:00Z", &[("club", CLUB)]).await;
    let (store, running) = (&rig.machine.store, rig.machine.live().unwrap());
    let id = running.release.id;
    assert_eq!(store.compiled(id).await.unwrap(), None);
    for kept in [None, Some(Vec::new()), Some(b"tabi-c1\0 of another kind".to_vec())] {
        if let Some(kept) = kept {
            store.put_compiled(id, kept).await.unwrap();
        }
        let live = Live::load(store).await.unwrap();
        assert_eq!(live.release.project, running.release.project);
        assert_eq!(live.programs.live_journeys().count(), running.programs.live_journeys().count());
        assert_eq!(store.compiled(id).await.unwrap(), Some(live.release.to_compiled()));
    }
    keep_compiled(store, &running.release).await.unwrap();
    let live = Live::load(store).await.unwrap();
    for (journey, number, program) in live.programs.live_journeys() {
        assert!(std::sync::Arc::ptr_eq(program, &live.release.project.programs[journey]), "held once");
        assert_eq!(Some(number), running.programs.live(journey).map(|(number, _)| number));
    }
}
