//! How to say that nobody reaches the bridge, and what to do about it.

use protocol::BridgeStatus;

/// What turns the bridge on for this machine.
pub(in crate::cli) const TURN_ON: &str = "`camera-service bridge on` turns it on";
/// What gives it TLS.
pub(in crate::cli) const SET_TLS: &str = "camera-service config set bridge.tls self";
/// What has other machines reach it.
pub(in crate::cli) const LET_IN: &str = "run `camera-service config set bridge.tls self` and \
                                         `camera-service bridge on --listen 0.0.0.0:8443`";

/// Why a bridge with this `status` listens nowhere: the reason where it is on and fails, else
/// what turns it on.
pub(in crate::cli) fn why_not(status: &BridgeStatus, turn_on: &str) -> String {
    let BridgeStatus { enabled, listen, reason, .. } = status;
    if !enabled {
        return format!("the bridge does not run; {turn_on}");
    }
    if reason.is_empty() {
        return format!(
            "the bridge is on, but does not listen at {listen} yet and does not say why; \
             `camera-service bridge status` shows when it does"
        );
    }
    format!(
        "the bridge does not listen at {listen}: {reason}; the service goes on trying until \
         `camera-service bridge off`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_is_not_told_to_be_turned_on() {
        let off = BridgeStatus { listen: "127.0.0.1:8088".to_owned(), ..BridgeStatus::default() };
        assert_eq!(why_not(&off, TURN_ON), format!("the bridge does not run; {TURN_ON}"));
        let begun = BridgeStatus { enabled: true, ..off };
        let failing = BridgeStatus { reason: "it is taken".to_owned(), ..begun.clone() };
        for (status, expected) in [(begun, "at 127.0.0.1:8088 yet"), (failing, ": it is taken;")] {
            let text = why_not(&status, TURN_ON);
            assert!(text.contains(expected) && !text.contains(TURN_ON), "{text}");
        }
    }
}
