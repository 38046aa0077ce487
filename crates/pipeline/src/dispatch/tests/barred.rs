//! The look just before a message leaves: who wants no messages, and who may not have or send any.

use std::sync::Arc;

use model::number::{BlockKind, NumberState};
use model::{BroadcastId, KeywordKind, Message, Mode, OptOutName, OptOutSource, Originator};
use store::contract::tenants::NumberChange;

use super::world::World;
use crate::dispatch::machine::skips;
use crate::tenants::{NewOptOut, TenantBook};

/// Why a single message, one of a broadcast and an automatic one do not leave, in this order.
fn reasons(tenants: &Arc<TenantBook>, message: &Message) -> [&'static str; 3] {
    let skips = skips(tenants.clone());
    let broadcast = Message { broadcast: Some(BroadcastId::from_bytes([9; 16])), ..message.clone() };
    let automatic = Message { automatic: Some(KeywordKind::Stop), ..message.clone() };
    [message, &broadcast, &automatic].map(|message| skips(message).unwrap_or("leaves"))
}

#[tokio::test]
async fn an_opt_out_stops_what_it_covers_but_no_automatic_message_and_a_block_stops_that() {
    let (out, blocked, stopped) =
        ("The recipient has opted out", "The recipient is blocked", "The sender number may not send any more");
    let world = World::new().await;
    let tenants = &world.tenants;
    let tenant = world.tenant("+18005550001", None).await;
    let message = world.message(&tenant, 1, "+12025550143");
    assert_eq!(reasons(tenants, &message), ["leaves"; 3]);
    let opt_out = |from: Option<Originator>| {
        let name = OptOutName { owner: message.owner(), number: message.recipient, from };
        let new = NewOptOut { name, reason: None, since: None };
        (name, tenants.opt_out(vec![new], OptOutSource::Api))
    };
    let opt_in = |name| tenants.opt_in(name, OptOutSource::Api, None);
    // Of another sender, of this one, of everything.
    let other = Originator::parse("+18005550002").unwrap();
    for (from, wanted) in [
        (Some(other), ["leaves", "leaves", "leaves"]),
        (Some(tenant.number), [out, out, "leaves"]),
        (None, [out, out, "leaves"]),
    ] {
        let (name, opted_out) = opt_out(from);
        opted_out.await.unwrap();
        assert_eq!(reasons(tenants, &message), wanted, "{from:?}");
        let test = Message { mode: Mode::Test, ..message.clone() };
        assert_eq!(reasons(tenants, &test), ["leaves"; 3], "the other world is another one");
        opt_in(name).await.unwrap();
        assert_eq!(reasons(tenants, &message), ["leaves"; 3], "{from:?}");
    }
    // What a client sent a moment ago is not looked at again for the operator's decisions.
    tenants.put_block(message.recipient.into(), BlockKind::Recipient, None, None).await.unwrap();
    assert_eq!(reasons(tenants, &message), ["leaves", blocked, blocked]);
    opt_out(None).1.await.unwrap();
    assert_eq!(reasons(tenants, &message), [out, blocked, blocked], "a block hides no opt-out");
    let suspended = NumberChange { state: Some(NumberState::Suspended), ..NumberChange::default() };
    tenants.change_number(tenant.number, suspended).await.unwrap();
    assert_eq!(reasons(tenants, &message), [out, stopped, stopped]);
}
