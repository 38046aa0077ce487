//! Who may bind, and what may be asked before and after.

use simulator::smsc::{Options, Status};
use wire::smpp::constants::interface_version;
use wire::smpp::{Bind, BindKind, Body, CommandId, CommandStatus, DataSm, Pdu, QuerySm, tag};

use crate::client::{Client, message, smsc, within};

const KINDS: [BindKind; 3] = [BindKind::Transmitter, BindKind::Receiver, BindKind::Transceiver];

#[tokio::test]
async fn every_kind_of_bind_is_taken_and_told_the_version() {
    let smsc = smsc(Options::default()).await;
    for (kind, asked, told) in KINDS
        .into_iter()
        .zip([(interface_version::V3_3, 0x34), (interface_version::V3_4, 0x34), (interface_version::V5_0, 0x50)])
        .map(|(kind, (asked, told))| (kind, asked, told))
    {
        let mut client = Client::connect(&smsc).await;
        let bind = Bind { system_id: b"anybody".to_vec(), interface_version: asked, ..Bind::default() };
        let answer = client.ask(Body::Bind(kind, bind)).await;
        assert_eq!((answer.status, &answer.body), (CommandStatus::ROK, &Body::BindResp(kind, b"simulator".to_vec())));
        assert_eq!(answer.tlvs.number(tag::SC_INTERFACE_VERSION), Some(told));
    }
    assert_eq!(smsc.summary().binds, 3);
}

#[tokio::test]
async fn only_the_right_credentials_are_taken() {
    let smsc =
        smsc(Options { system_id: Some("me".to_owned()), password: Some("secret".to_owned()), ..Options::default() })
            .await;
    for (system_id, password, status) in [
        ("me", "secret", CommandStatus::ROK),
        ("you", "secret", CommandStatus::RINVSYSID),
        ("", "", CommandStatus::RINVSYSID),
        ("me", "other", CommandStatus::RINVPASWD),
        ("me", "", CommandStatus::RINVPASWD),
        ("me", "secrets", CommandStatus::RINVPASWD),
    ] {
        let mut client = Client::connect(&smsc).await;
        let answer = client.bind(BindKind::Transceiver, system_id, password).await;
        assert_eq!(answer.status, status, "{system_id} {password}");
        if !status.is_ok() {
            assert_eq!(client.next_octets().await, None, "a refused bind ends the connection");
        }
    }
    assert_eq!(smsc.summary().binds, 1);
}

#[tokio::test]
async fn every_bind_is_refused_where_the_options_say_so() {
    let status = CommandStatus::RBINDFAIL;
    let smsc = smsc(Options { refuse_bind: Some(Status(status)), ..Options::default() }).await;
    for kind in KINDS {
        assert_eq!(Client::connect(&smsc).await.bind(kind, "me", "secret").await.status, status);
    }
    assert_eq!(smsc.summary().binds, 0);
}

#[tokio::test]
async fn a_session_too_many_is_refused_until_another_ends() {
    let smsc = smsc(Options { sessions_max: 2, ..Options::default() }).await;
    let mut first = Client::bound(&smsc, BindKind::Transceiver).await;
    let second = Client::bound(&smsc, BindKind::Receiver).await;
    assert_eq!(
        Client::connect(&smsc).await.bind(BindKind::Transceiver, "other", "").await.status,
        CommandStatus::RALYBND
    );
    within("the refused session ends", smsc.wait_for(|seen| seen.ended == 1)).await;
    assert_eq!(first.ask(Body::Unbind).await.body, Body::UnbindResp);
    assert_eq!(first.next_octets().await, None);
    within("the first session ends", smsc.wait_for(|seen| seen.ended == 2)).await;
    let third = Client::bound(&smsc, BindKind::Transceiver).await;
    drop(second);
    within("the second session ends", smsc.wait_for(|seen| seen.ended == 3)).await;
    drop((Client::bound(&smsc, BindKind::Transceiver).await, third));
}

#[tokio::test]
async fn requests_are_refused_in_states_that_do_not_allow_them() {
    let smsc = smsc(Options::default()).await;
    let submit = || message(0, b"Hello");
    let mut open = Client::connect(&smsc).await;
    for body in [submit(), Body::Unbind, Body::DataSm(Box::<DataSm>::default()), Body::QuerySm(QuerySm::default())] {
        let command = body.command();
        let answer = open.ask(body).await;
        assert_eq!((answer.status, answer.body.command()), (CommandStatus::RINVBNDSTS, command.response()));
    }
    open.sync().await;
    let mut receiver = Client::bound(&smsc, BindKind::Receiver).await;
    assert_eq!(receiver.ask(submit()).await.status, CommandStatus::RINVBNDSTS);
    let mut transceiver = Client::bound(&smsc, BindKind::Transceiver).await;
    assert_eq!(transceiver.bind(BindKind::Transceiver, "me", "secret").await.status, CommandStatus::RINVBNDSTS);
    assert_eq!(transceiver.ask(submit()).await.status, CommandStatus::ROK);
    assert_eq!(smsc.summary().submitted, 1);
}

#[tokio::test]
async fn what_cannot_be_read_is_told() {
    let smsc = smsc(Options::default()).await;
    let mut client = Client::bound(&smsc, BindKind::Transceiver).await;
    let raw = |command: u32, length: u32, body: &[u8]| {
        let header = [length, command, 0, 77].into_iter().flat_map(u32::to_be_bytes);
        header.chain(body.iter().copied()).collect::<Vec<u8>>()
    };
    for (octets, answer) in [
        (raw(0x999, 17, b"?"), Pdu::answer(77, CommandStatus::RINVCMDID, Body::GenericNack)),
        (raw(CommandId::SUBMIT_MULTI.0, 16, b""), Pdu::answer(77, CommandStatus::RINVCMDID, Body::GenericNack)),
        (
            raw(CommandId::SUBMIT_SM.0, 18, b"\0\x01"),
            Pdu::answer(77, CommandStatus::RINVMSGLEN, Body::SubmitSmResp(Vec::new())),
        ),
        (raw(CommandId::SUBMIT_SM.0, 3, b""), Pdu::answer(77, CommandStatus::RINVCMDLEN, Body::GenericNack)),
    ] {
        client.send_octets(&octets).await;
        assert_eq!(client.next().await, answer);
    }
    assert_eq!(client.next_octets().await, None, "where the next PDU begins nobody knows");
    assert_eq!(smsc.summary().malformed, 3);
}

#[tokio::test]
async fn a_silent_smsc_answers_the_bind_and_nothing_else() {
    let smsc = smsc(Options { silent: true, ..Options::default() }).await;
    let mut client = Client::bound(&smsc, BindKind::Transceiver).await;
    client.send(message(1, b"Hello")).await;
    client.send(Body::EnquireLink).await;
    client.send(Body::Unbind).await;
    // A second bind is the only thing that it still hears.
    assert_eq!(client.bind(BindKind::Transceiver, "me", "secret").await.status, CommandStatus::RINVBNDSTS);
    assert_eq!(smsc.summary().submitted, 0);
}

#[tokio::test]
async fn every_connection_is_cut_on_demand_and_at_the_end() {
    let smsc = smsc(Options::default()).await;
    let (mut a, mut b) = (Client::bound(&smsc, BindKind::Transceiver).await, Client::connect(&smsc).await);
    b.sync().await;
    smsc.disconnect_all();
    assert_eq!((a.next_octets().await, b.next_octets().await), (None, None));
    let mut c = Client::bound(&smsc, BindKind::Transceiver).await;
    c.sync().await;
    drop(smsc);
    assert_eq!(c.next_octets().await, None);
}
