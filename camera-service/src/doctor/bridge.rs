//! Whether the bridge is reached, where it is to be.

use protocol::BridgeStatus;

use super::{Area, Finding, Seen, Service};

pub(super) fn check(service: &Service) -> Vec<Finding> {
    let bridge = service.seen().and_then(|Seen { bridge, .. }| bridge.as_ref());
    bridge.and_then(finding).into_iter().collect()
}

/// Nothing where it is off, as it is unless somebody asks for it.
fn finding(bridge: &BridgeStatus) -> Option<Finding> {
    let BridgeStatus { enabled, listen, pid, urls, reason, .. } = bridge;
    let listens = |message: String| Some(Finding::ok(Area::Bridge, "bridge_listens", message));
    match (enabled, urls.is_empty()) {
        (_, false) => listens(match (enabled, pid) {
            (true, _) | (_, None) => format!("It listens at {}.", urls.join(" ")),
            (false, Some(pid)) => {
                format!("One that was started by hand, process {pid}, listens at {}.", {
                    urls.join(" ")
                })
            }
        }),
        (false, true) => None,
        (true, true) if reason.is_empty() && pid.is_some() => Some(
            Finding::note(
                Area::Bridge,
                "bridge_starts",
                format!("It is on, and has yet to listen at {listen}."),
            )
            .advice("If it goes on like that, see what it says in the log of the service.")
            .command("camera-service bridge status"),
        ),
        (true, true) => Some(fails(listen, reason)),
    }
}

fn fails(listen: &str, reason: &str) -> Finding {
    let why = if reason.is_empty() { "it does not say why" } else { reason };
    let message = format!("It is on, but does not listen at {listen}: {why}.");
    let finding = Finding::problem(Area::Bridge, "bridge_does_not_listen", message);
    // Where the reason names what to run, that is what helps.
    let named: Vec<&str> = reason
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|text| text.starts_with("camera-service "))
        .collect();
    let finding = if named.is_empty() {
        finding.advice(
            "Mend that and have it tried again, or have it listen elsewhere (`--listen ADDR:PORT`); \
             or turn it off.",
        )
    } else {
        let advice = "Do what the reason says and have it tried again; or turn it off.";
        named.into_iter().fold(finding.advice(advice), Finding::command)
    };
    finding.command("camera-service bridge on").command("camera-service bridge off")
}

#[cfg(test)]
mod tests {
    use super::{super::Severity, *};

    fn told(enabled: bool, urls: &[&str], pid: Option<u32>, reason: &str) -> Option<Finding> {
        finding(&BridgeStatus {
            enabled,
            listen: "0.0.0.0:8443".to_owned(),
            pid,
            urls: urls.iter().map(|url| (*url).to_owned()).collect(),
            reason: reason.to_owned(),
            ..BridgeStatus::default()
        })
    }

    #[test]
    fn on_without_listening_is_a_problem_and_off_is_none() {
        let severity = |finding: &Finding| (finding.severity, finding.code);
        assert_eq!(told(false, &[], None, ""), None);
        let there = told(true, &["https://a:1/", "https://b:1/"], Some(7), "").expect("told");
        assert_eq!(severity(&there), (Severity::Ok, "bridge_listens"));
        assert!(there.message.contains("https://a:1/ https://b:1/"), "{there:?}");
        let by_hand = told(false, &["http://a:1/"], Some(7), "").expect("told");
        assert!(by_hand.message.contains("by hand, process 7"), "{by_hand:?}");
        let begins = told(true, &[], Some(7), "").expect("told");
        assert_eq!(severity(&begins), (Severity::Note, "bridge_starts"));
        for (pid, reason) in [(None, ""), (None, "it is taken"), (Some(7), "it is taken")] {
            let fails = told(true, &[], pid, reason).expect("told");
            assert_eq!(severity(&fails), (Severity::Problem, "bridge_does_not_listen"));
            assert!(fails.message.contains(reason), "{fails:?}");
        }
    }

    #[test]
    fn what_the_reason_names_is_to_be_run_first() {
        let fails =
            told(true, &[], None, "no TLS; run `camera-service config set bridge.tls self`");
        let commands = fails.expect("told").commands;
        assert_eq!(
            commands,
            [
                "camera-service config set bridge.tls self",
                "camera-service bridge on",
                "camera-service bridge off"
            ]
        );
    }
}
