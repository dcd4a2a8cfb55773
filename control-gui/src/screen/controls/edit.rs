//! One control while a user changes it: what is shown, what is on its way, what was refused.
//!
//! At most one value is on its way to the service at a time, and for at least [`INTERVAL`]; while
//! it is, only the latest wish is kept. So a drag sends no more than one value a frame, and its
//! last value is always the last one sent.

use std::time::Duration;

use protocol::ControlValue;

/// The least time between two values of a control.
pub(crate) const INTERVAL: Duration = Duration::from_millis(16);

/// What is being done to a control.
#[derive(Debug, Default)]
pub(crate) struct Edit {
    /// The value that was sent and not answered.
    sent: Option<ControlValue>,
    /// The one to send next.
    next: Option<ControlValue>,
    /// Text that is being written.
    pub text: Option<String>,
    /// Why the last value was refused.
    pub refused: Option<String>,
}

impl Edit {
    /// A user wishes a value. Returns what is to be sent now.
    #[must_use]
    pub(crate) fn wish(&mut self, value: ControlValue) -> Option<ControlValue> {
        self.refused = None;
        self.text = None;
        if self.sent.is_some() {
            self.next = Some(value);
            return None;
        }
        self.sent = Some(value.clone());
        Some(value)
    }

    /// The service answered. Returns what is to be sent next.
    #[must_use]
    pub(crate) fn answered(&mut self, result: Result<(), String>) -> Option<ControlValue> {
        self.sent = None;
        // A refusal of a value that the user has moved on from says nothing about the next.
        let next = self.next.take();
        if next.is_none() {
            self.refused = result.err();
        }
        self.sent.clone_from(&next);
        next
    }

    /// The value to show: the wish while it is on its way, else the true one.
    #[must_use]
    pub(crate) fn shown<'a>(&'a self, value: &'a ControlValue) -> &'a ControlValue {
        self.next.as_ref().or(self.sent.as_ref()).unwrap_or(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(value: i64) -> ControlValue {
        ControlValue::Integer(value)
    }

    #[test]
    fn a_drag_sends_one_value_at_a_time_and_ends_on_the_last() {
        let mut edit = Edit::default();
        assert_eq!(edit.wish(number(1)), Some(number(1)));
        for value in 2..100 {
            assert_eq!(edit.wish(number(value)), None, "one is on its way");
        }
        assert_eq!(edit.shown(&number(0)), &number(99), "the slider stays under the pointer");
        assert_eq!(edit.answered(Ok(())), Some(number(99)));
        assert_eq!(edit.answered(Ok(())), None);
        assert_eq!(edit.shown(&number(98)), &number(98), "then the true value");
    }

    #[test]
    fn a_refused_value_gives_way_to_the_true_one_and_says_why() {
        let mut edit = Edit::default();
        assert!(edit.wish(number(7)).is_some());
        assert_eq!(edit.answered(Err("no".to_owned())), None);
        assert_eq!(edit.shown(&number(5)), &number(5));
        assert_eq!(edit.refused.as_deref(), Some("no"));
        assert!(edit.wish(number(6)).is_some() && edit.refused.is_none(), "until the next wish");
    }
}
