//! What does not leave although it was accepted: what the operator stopped meanwhile, and what a handset does not want.

use std::sync::Arc;

use model::number::{BlockKind, NumberState};
use model::{BroadcastId, KeywordKind, Message, OptOut, OptOutName, OptOutSource, Status};
use store::contract::tenants::NumberChange;

use super::world::{MAIN, World};
use crate::dispatch::machine::skips;
use crate::tenants::TenantBook;

/// Why the operator lets a single message, one of a broadcast, an automatic and a scheduled one not leave, in this
/// order.
fn reasons(tenants: &Arc<TenantBook>, message: &Message) -> [&'static str; 4] {
    let skips = skips(tenants.clone());
    let broadcast = Message { broadcast: Some(BroadcastId::from_bytes([9; 16])), ..message.clone() };
    let automatic = Message { automatic: Some(KeywordKind::Stop), ..message.clone() };
    let scheduled = Message { send_at: Some(message.created_at), ..message.clone() };
    [message, &broadcast, &automatic, &scheduled].map(|message| skips(message).unwrap_or("leaves"))
}

#[tokio::test]
async fn the_operator_stops_broadcasts_automatic_and_scheduled_messages_that_were_accepted() {
    let (blocked, stopped) = ("The recipient is blocked", "The sender number may not send any more");
    let world = World::new().await;
    let tenants = &world.tenants;
    let tenant = world.tenant("+18005550001", None).await;
    let message = world.message(&tenant, 1, "+12025550143");
    assert_eq!(reasons(tenants, &message), ["leaves"; 4]);
    // A single message was accepted a moment ago, and is not looked at again.
    tenants.put_block(message.recipient.into(), BlockKind::Recipient, None, None).await.unwrap();
    assert_eq!(reasons(tenants, &message), ["leaves", blocked, blocked, blocked]);
    let suspended = NumberChange { state: Some(NumberState::Suspended), ..NumberChange::default() };
    tenants.change_number(tenant.number, suspended).await.unwrap();
    assert_eq!(reasons(tenants, &message), ["leaves", stopped, stopped, stopped]);
}

#[tokio::test(start_paused = true)]
async fn an_opt_out_that_only_the_store_knows_stops_what_is_about_to_leave() {
    let world = World::new().await;
    let tenant = world.tenant("+18005550001", None).await;
    let message = || world.message(&tenant, 1, "+12025550143");
    let owner = message().owner();
    let opt_out = OptOut {
        name: OptOutName { owner, number: message().recipient, from: None },
        source: OptOutSource::Keyword,
        keyword: Some("STOP".into()),
        message: None,
        reason: None,
        created_at: world.now(),
    };
    // Admission has looked, and the memory of tenants has not heard of the opt-out.
    assert_eq!(world.store.opt_out(vec![opt_out]).await.unwrap(), [true]);
    let barred = world.tenants.check_recipient(owner, tenant.number, message().recipient);
    assert_eq!(barred, Ok(()));
    let mut ended = Vec::new();
    for (automatic, into_memory) in [(None, true), (None, false), (Some(KeywordKind::Start), true)] {
        ended.push(world.admit_as(Message { automatic, ..message() }, into_memory).await);
    }
    let confirmation = world.admit_as(Message { automatic: Some(KeywordKind::Stop), ..message() }, true).await;
    world.run().await;
    let sent: Vec<_> = world.sent(MAIN).iter().map(|submission| submission.message.id).collect();
    assert_eq!((sent, world.dispatcher(MAIN).queued()), (vec![confirmation], 0));
    for id in ended {
        let delivery = world.store.message_of_any_account(id).await.unwrap().unwrap().delivery;
        assert_eq!(delivery.status, Status::Failed);
        assert_eq!(delivery.error_message.as_deref(), Some("The recipient has opted out"));
    }
}
