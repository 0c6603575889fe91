//! Waiting without a runtime: the first of two futures, and all of many.

use super::Soon;
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
};

/// The value of `wanted`, or `None` where `limit` ends first.
pub(super) async fn within<T>(
    mut wanted: Pin<Box<dyn Future<Output = T> + Send + '_>>,
    mut limit: Soon<'_, ()>,
) -> Option<T> {
    poll_fn(|context| {
        if let Poll::Ready(value) = wanted.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        limit.as_mut().poll(context).map(|()| None)
    })
    .await
}

/// The values of all `futures`, driven at once, in their order.
pub(super) async fn all<T: Send>(mut futures: Vec<Pin<Box<dyn Future<Output = T> + Send + '_>>>) -> Vec<T> {
    let mut values: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, value) in futures.iter_mut().zip(values.iter_mut()) {
            if value.is_none()
                && let Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *value = Some(ready);
            }
        }
        if values.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    values.into_iter().flatten().collect()
}
