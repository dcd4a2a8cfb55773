//! Telling a task that something is new, and looking at what seldom happens only when it has.
//!
//! A task that sends frames is woken for each of them. What else it waits for (the end of the
//! bridge, replies, a time) would be polled along with that, for every frame and every viewer.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::task::AtomicWaker;

/// Rung by anybody, heard by one task: however often it rang meanwhile, that is heard once.
#[derive(Default)]
pub(super) struct Bell {
    rang: AtomicBool,
    task: AtomicWaker,
}

impl Bell {
    /// Has the task hear it.
    pub(super) fn ring(&self) {
        self.rang.store(true, Ordering::Release);
        self.task.wake();
    }

    /// Returns when it has rung since it was heard last. Safe to cancel.
    pub(super) async fn heard(&self) {
        poll_fn(|cx| self.poll_heard(cx)).await;
    }

    fn poll_heard(&self, cx: &mut Context<'_>) -> Poll<()> {
        // Before it is looked at, so that it cannot ring unheard in between.
        self.task.register(cx.waker());
        if self.rang.load(Ordering::Acquire) && self.rang.swap(false, Ordering::AcqRel) {
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}

/// Polls something when that was woken, and not when the rest of its task was.
pub(super) struct Seldom {
    bell: Arc<Bell>,
    waker: Waker,
}

impl Seldom {
    /// Polls the first time in any case.
    pub(super) fn new() -> Self {
        let bell = Arc::new(Bell { rang: AtomicBool::new(true), task: AtomicWaker::new() });
        Self { waker: bell.clone().into(), bell }
    }

    /// Polls the next time in any case: there is something new to wait for.
    pub(super) fn look(&self) {
        self.bell.rang.store(true, Ordering::Release);
    }

    /// Calls `poll` if what that was called for last has woken it.
    pub(super) fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if self.bell.poll_heard(cx).is_pending() {
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
    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn a_bell_is_heard_once_however_often_it_rang() {
        let bell = Bell::default();
        bell.ring();
        bell.ring();
        bell.heard().await;
        let ringing = async {
            yield_now().await;
            bell.ring();
        };
        tokio::join!(bell.heard(), ringing);
        assert!(poll_fn(|cx| Poll::Ready(bell.poll_heard(cx))).await.is_pending());
    }

    #[tokio::test]
    async fn what_is_seldom_is_polled_when_it_was_woken_and_not_when_others_were() {
        let (seldom, rare, often) = (Seldom::new(), Bell::default(), Bell::default());
        let (mut looked, mut frames) = (0, 0);
        let task = poll_fn(|cx| {
            while often.poll_heard(cx).is_ready() {
                frames += 1;
            }
            seldom.poll(cx, |cx| {
                looked += 1;
                rare.poll_heard(cx)
            })
        });
        let ringing = async {
            for _ in 0..100 {
                often.ring();
                yield_now().await;
            }
            rare.ring();
        };
        tokio::join!(task, ringing);
        assert_eq!(looked, 2, "at first, and when it was woken");
        assert!(frames > 10, "{frames}");
    }
}
