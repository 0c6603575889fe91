//! Calls that come in while one is being written go together into the next: nobody waits for company, and what has
//! queued up meanwhile costs one set of statements instead of many.

use crate::StoreError;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use tokio::sync::oneshot;

/// What one call brought, and where its answers go.
type Waiting<T, A> = (Vec<T>, oneshot::Sender<Result<Vec<A>, StoreError>>);

/// Calls of one kind on their way.
pub(crate) struct Together<T, A> {
    waiting: Mutex<Vec<Waiting<T, A>>>,
    turn: tokio::sync::Mutex<()>,
}

impl<T, A> Default for Together<T, A> {
    fn default() -> Self {
        Self { waiting: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }
}

impl<T: Clone, A> Together<T, A> {
    /// Answers for `items`, one for each in order. `write` is given those of other calls too, in the order in which they
    /// came; where it fails for all of them, each call is written by itself, so that a bad one does not sink its neighbours.
    /// What it does may be done twice: where a call is given up that had taken others along, they are written again.
    pub(crate) async fn write<F, W>(&self, items: Vec<T>, write: W) -> Result<Vec<A>, StoreError>
    where
        W: Fn(Vec<T>) -> F,
        F: Future<Output = Result<Vec<A>, StoreError>>,
    {
        loop {
            if let Some(answer) = self.with_others(items.clone(), &write).await {
                return answer;
            }
        }
    }

    /// `None`: whoever took ours along was given up.
    async fn with_others<F, W>(&self, items: Vec<T>, write: &W) -> Option<Result<Vec<A>, StoreError>>
    where
        W: Fn(Vec<T>) -> F,
        F: Future<Output = Result<Vec<A>, StoreError>>,
    {
        let (reply, mut answer) = oneshot::channel();
        self.lock().push((items, reply));
        let turn = self.turn.lock().await;
        // Somebody else may have taken them along while we waited for our turn.
        match answer.try_recv() {
            Ok(answer) => return Some(answer),
            Err(oneshot::error::TryRecvError::Closed) => return None,
            Err(oneshot::error::TryRecvError::Empty) => {}
        }
        let calls = std::mem::take(&mut *self.lock());
        let several = calls.len() > 1;
        let sizes: Vec<usize> = calls.iter().map(|(items, _)| items.len()).collect();
        let (mut all, mut replies) =
            (Vec::with_capacity(sizes.iter().sum()), Vec::with_capacity(calls.len()));
        for (items, reply) in calls {
            all.extend(items);
            replies.push(reply);
        }
        let kept = several.then(|| all.clone());
        match (write(all).await, kept) {
            (Ok(answers), _) => {
                let mut answers = answers.into_iter();
                for (size, reply) in sizes.into_iter().zip(replies) {
                    let _ = reply.send(Ok(answers.by_ref().take(size).collect()));
                }
            }
            (Err(error), None) => {
                if let Some(reply) = replies.pop() {
                    let _ = reply.send(Err(error));
                }
            }
            (Err(_), Some(all)) => {
                let mut all = all.into_iter();
                for (size, reply) in sizes.into_iter().zip(replies) {
                    let _ = reply.send(write(all.by_ref().take(size).collect()).await);
                }
            }
        }
        drop(turn);
        answer.try_recv().ok()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Waiting<T, A>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use futures::future::join_all;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn what_comes_meanwhile_is_written_together_and_answered_apart() {
        let (together, writes) = (Together::default(), AtomicUsize::new(0));
        let write = |items: Vec<u32>| {
            writes.fetch_add(1, Ordering::Relaxed);
            async move {
                tokio::task::yield_now().await;
                Ok(items.into_iter().map(|n| n * 10).collect())
            }
        };
        let calls = (0..20_u32).map(|n| together.write(vec![n, n + 100], write));
        for (n, answer) in (0..20).zip(join_all(calls).await) {
            assert_eq!(answer.unwrap(), [n * 10, n * 10 + 1000]);
        }
        assert!(writes.load(Ordering::Relaxed) <= 3);
    }

    #[tokio::test]
    async fn a_bad_call_fails_alone() {
        let together = Together::default();
        let write = |items: Vec<u32>| async move {
            tokio::task::yield_now().await;
            if items.contains(&7) { Err(StoreError::Invalid("seven".to_owned())) } else { Ok(items) }
        };
        let answers = join_all((0..10_u32).map(|n| together.write(vec![n], write))).await;
        for (n, answer) in (0..10).zip(answers) {
            assert_eq!(answer.ok(), (n != 7).then(|| vec![n]));
        }
    }

    #[tokio::test]
    async fn a_call_given_up_takes_nobody_along() {
        let together = Together::default();
        let slow = |items: Vec<u32>| async move {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            Ok(items)
        };
        let given_up =
            tokio::time::timeout(std::time::Duration::from_millis(10), together.write(vec![1], slow));
        let (given_up, other) = tokio::join!(given_up, together.write(vec![2], slow));
        assert!(given_up.is_err());
        assert_eq!(other.unwrap(), [2]);
    }

    #[tokio::test]
    async fn who_was_taken_along_by_a_call_given_up_is_written_by_the_next() {
        let together = Together::default();
        let slow = |items: Vec<u32>| async move {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            Ok(items)
        };
        // While the first is written two more queue up; the second takes the third along, and is given up meanwhile.
        let given_up =
            tokio::time::timeout(std::time::Duration::from_millis(75), together.write(vec![2], slow));
        let (first, given_up, third) =
            tokio::join!(together.write(vec![1], slow), given_up, together.write(vec![3], slow));
        assert_eq!(first.unwrap(), [1]);
        assert!(given_up.is_err());
        assert_eq!(third.unwrap(), [3]);
    }
}
