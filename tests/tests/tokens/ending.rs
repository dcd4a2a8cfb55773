//! What becomes of connections whose token ends, and of names that it published.

use super::*;

#[test]
fn revoking_and_expiry_end_what_is_connected() {
    let service = service();
    run(async {
        let client = local(&service).await;
        for (how, word) in [("revoked", "revoked"), ("expired", "expired")] {
            let mut request = token(how, &[Scope::Watch, Scope::Publish], &[]);
            request.expires_s = (how == "expired").then_some(2);
            let user = with_token(&service, &secret(&client, request).await);
            let control = user.control().await.expect("connected");
            let mut events = user.events().await.expect("events");
            let mut publisher = user.publish(picture(how)).await.expect("published");
            control.watch(&"test:0".into()).await.expect("watched");
            let mut stream = bridge(&service).stream(native("test:0")).await.expect("allowed");
            if how == "revoked" {
                client.revoke_token(how).await.expect("revoked");
            }
            let says = |error: ErrorReply| {
                assert!(
                    error.kind == ErrorKind::Forbidden && error.message.contains(word),
                    "{error}"
                );
            };
            says(control.closed().await.expect("a reason"));
            loop {
                match next(&mut events).await {
                    Event::Ended(error) => break says(error),
                    Event::Stopping => panic!("it does not stop"),
                    _ => {}
                }
            }
            loop {
                match publisher.next().await {
                    Ok(PublishEvent::Demand { .. }) => {}
                    Err(ClientError::Reply(error)) => break says(error),
                    Err(error) => panic!("it ended otherwise: {error}"),
                }
            }
            // What the bridge had for that user has ended, too.
            assert_eq!(end_of(&mut stream).await.kind, ErrorKind::Forbidden);
            forbidden(user.control().await);
            let left = client.tokens().await.expect("listed");
            assert!(left.is_empty(), "{left:?}");
        }
    });
}

#[test]
fn a_user_can_be_disconnected_and_the_token_stays() {
    let service = service();
    run(async {
        let client = local(&service).await;
        let user =
            with_token(&service, &secret(&client, token("anna", &[Scope::Watch], &[])).await);
        let connection = user.control().await.expect("connected");
        let request = Request::Disconnect { connection: connection.id() };
        client.request(request).await.expect("ended");
        let why = connection.closed().await.expect("a reason");
        assert!(why.message.contains("disconnected by the user"), "{why}");
        user.control().await.expect("it may come again");
    });
}

#[test]
fn a_published_name_stays_its_tokens_while_it_is_watched() {
    let service = service();
    run(async {
        let client = local(&service).await;
        let all = [Scope::Watch, Scope::Publish];
        let mine = secret(&client, token("mine", &all, &["published:phone"])).await;
        let other = secret(&client, token("other", &all, &[])).await;
        let mine = with_token(&service, &mine);
        forbidden(mine.publish(picture("kitchen")).await);
        let publisher = mine.publish(picture("phone")).await.expect("published");
        let watcher = with_token(&service, &other).control().await.expect("connected");
        watcher.watch(&"published:phone".into()).await.expect("watched");
        drop(publisher);
        let taken = async || {
            let other = refused(with_token(&service, &other).publish(picture("phone")).await);
            let program = refused(connector(&service).publish(picture("phone")).await);
            (other.kind, program.kind)
        };
        assert_eq!(taken().await, (ErrorKind::NameTaken, ErrorKind::NameTaken));
        drop(mine.publish(picture("phone")).await.expect("its own name"));
        assert_eq!(taken().await, (ErrorKind::NameTaken, ErrorKind::NameTaken));
        watcher.unwatch(&"published:phone".into()).await.expect("ended");
        wait_until("the name to be free", LONG, || {
            let listed = service.json(&["list"]).to_string();
            if listed.contains("published:phone") { Err(listed) } else { Ok(()) }
        });
        with_token(&service, &other).publish(picture("phone")).await.expect("free");
    });
}
