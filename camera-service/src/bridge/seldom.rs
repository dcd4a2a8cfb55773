//! Looking at what seldom happens only when it has.
//!
//! A task that sends frames is woken for each of them. What else it waits for (the end of the
//! bridge, replies, a time) would be polled along with that, for every frame and every viewer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::task::AtomicWaker;

/// Polls something when that was woken, and not when the rest of its task was.
pub(super) struct Seldom {
    bell: Arc<Bell>,
    waker: Waker,
}

struct Bell {
    /// Whether it was woken since it was polled last.
    rung: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl Seldom {
    /// Polls the first time in any case.
    pub(super) fn new() -> Self {
        let bell = Arc::new(Bell { rung: AtomicBool::new(true), task: AtomicWaker::new() });
        Self { waker: bell.clone().into(), bell }
    }

    /// Polls the next time in any case: there is something new to wait for.
    pub(super) fn look(&self) {
        self.bell.rung.store(true, Ordering::Release);
    }

    /// Calls `poll` if what that was called for last has woken it.
    pub(super) fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        // Before it is looked at, so that nothing that rings meanwhile is missed.
        self.bell.task.register(cx.waker());
        if !self.bell.rung.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        let polled = poll(&mut Context::from_waker(&self.waker));
        if polled.is_ready() {
            // More of it may be ready.
            self.look();
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn it_is_polled_when_it_was_woken_and_not_when_others_were() {
        let (seldom, rare, often) = (Seldom::new(), Notify::new(), Notify::new());
        let mut looked = 0;
        let mut waiting = Box::pin(rare.notified());
        let mut rest = Box::pin(async {
            for _ in 0..100 {
                often.notified().await;
                tokio::task::yield_now().await;
            }
        });
        let mut both = async || {
            poll_fn(|cx| {
                let polled = seldom.poll(cx, |cx| {
                    looked += 1;
                    waiting.as_mut().poll(cx).map(|()| "rare")
                });
                match polled {
                    Poll::Pending => rest.as_mut().poll(cx).map(|()| "often"),
                    ready => ready,
                }
            })
            .await
        };
        let ringing = async {
            for _ in 0..1000 {
                often.notify_one();
                tokio::task::yield_now().await;
            }
        };
        assert_eq!(tokio::join!(both(), ringing).0, "often");
        let ringing = async {
            tokio::task::yield_now().await;
            rare.notify_one();
        };
        let again = async {
            poll_fn(|cx| {
                seldom.poll(cx, |cx| {
                    looked += 1;
                    waiting.as_mut().poll(cx)
                })
            })
            .await;
        };
        tokio::join!(again, ringing);
        assert_eq!(looked, 2, "at first, and when it was woken");
    }
}
