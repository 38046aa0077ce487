//! One session of the SMSC: reads PDUs, answers them as the options say, and offers reports and messages of handsets.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::fmt::Write as _;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use runtime::Alarm;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use wire::smpp::constants::interface_version;
use wire::smpp::{
    Bind, BindKind, Body, CommandId, CommandStatus, Pdu, Sequence, SessionState, Sm, Tlvs, decode, encode, frame, tag,
};

use super::Shared;
use super::faults::{self, Fate, Meter};
use super::receipts::{self, Report};
use super::registry::Offer;
use crate::handsets::{By, Place, What};
use crate::random::Random;
use crate::sessions::Stop;

mod offers;
mod screens;

/// The longest PDU that is taken, in octets.
const PDU_BYTES_MAX: usize = 70_000;

/// What is to be done later.
enum Later {
    Answer {
        sequence: u32,
        status: CommandStatus,
        id: u64,
        place: Option<Place>,
    },
    Offer(Offer),
    /// Whether what was offered under this number has its answer.
    Check(u32),
}

/// One session.
pub(crate) struct Session {
    shared: Arc<Shared>,
    number: u64,
    state: SessionState,
    system_id: Vec<u8>,
    /// The version that both sides speak.
    version: u8,
    sequence: Sequence,
    random: Random,
    meter: Meter,
    unanswered: usize,
    /// It has unbound, and goes once everything is answered.
    leaving: bool,
    later: BinaryHeap<(Reverse<Instant>, Reverse<u64>)>,
    tasks: HashMap<u64, Later>,
    next_task: u64,
    /// Reports and messages of handsets that wait for the window, and those that wait for their answer.
    waiting: VecDeque<Offer>,
    offered: HashMap<u32, Offer>,
    offers: mpsc::UnboundedReceiver<Offer>,
    receiver: mpsc::UnboundedSender<Offer>,
    output: Vec<u8>,
    lines: String,
}

/// How long a peer may take to bind (`session_init_timer` of SMPP 3.4, section 7.2).
const SESSION_INIT: Duration = Duration::from_secs(60);

impl Session {
    pub(crate) fn new(shared: Arc<Shared>, number: u64) -> Self {
        let (receiver, offers) = mpsc::unbounded_channel();
        let random = Random::new(shared.options.seed.wrapping_mul(1_000_003).wrapping_add(number));
        Self {
            meter: Meter::new(shared.runtime.instant()),
            shared,
            number,
            state: SessionState::Open,
            system_id: Vec::new(),
            version: interface_version::V3_4,
            sequence: Sequence::new(),
            random,
            unanswered: 0,
            leaving: false,
            later: BinaryHeap::new(),
            tasks: HashMap::new(),
            next_task: 0,
            waiting: VecDeque::new(),
            offered: HashMap::new(),
            offers,
            receiver,
            output: Vec::new(),
            lines: String::new(),
        }
    }

    /// Serves the connection until it ends.
    pub(crate) async fn run(
        mut self,
        stream: impl AsyncRead + AsyncWrite,
        stopped: watch::Receiver<Stop>,
    ) -> io::Result<()> {
        let (reader, writer) = tokio::io::split(stream);
        tokio::pin!(reader, writer);
        let ended = self.serve(reader, writer, stopped).await;
        if self.state != SessionState::Open {
            let mut offered: Vec<(u32, Offer)> = self.offered.drain().collect();
            offered.sort_by_key(|(sequence, _)| *sequence);
            let repeated = offered.iter().filter(|(_, offer)| matches!(offer, Offer::Inbound(_))).count() as u64;
            self.shared.journal.count(|summary| summary.inbound_repeated += repeated);
            let mut unsent: Vec<Offer> =
                offered.into_iter().map(|(_, offer)| offer).chain(self.waiting.drain(..)).collect();
            self.offers.close();
            while let Ok(offer) = self.offers.try_recv() {
                unsent.push(offer);
            }
            // What is to be delivered later is due at the next session.
            unsent.extend(self.tasks.into_values().filter_map(|task| match task {
                Later::Offer(offer) => Some(offer),
                Later::Answer { .. } | Later::Check(_) => None,
            }));
            self.shared.registry.unbind(&self.system_id, self.number, unsent);
        }
        let line = format!("{{\"event\":\"end\",\"session\":{}}}\n", self.number);
        self.shared.journal.write(line.as_bytes());
        self.shared.journal.count(|summary| summary.ended += 1);
        ended
    }

    async fn serve(
        &mut self,
        mut reader: impl AsyncRead + Unpin,
        mut writer: impl AsyncWrite + Unpin,
        mut stopped: watch::Receiver<Stop>,
    ) -> io::Result<()> {
        let number = self.number;
        let mut input = BytesMut::with_capacity(64 * 1024);
        let mut offers = Vec::new();
        let bind_by = self.now() + SESSION_INIT;
        let mut alarm = Alarm::new(Arc::clone(&self.shared.runtime));
        loop {
            self.offer();
            self.write_lines();
            self.write(&mut writer).await?;
            let must_bind = self.state == SessionState::Open && !self.shared.options.silent;
            let due =
                self.later.peek().map(|(Reverse(at), _)| *at).into_iter().chain(must_bind.then_some(bind_by)).min();
            let flow = tokio::select! {
                read = reader.read_buf(&mut input) => match read? {
                    0 => return Ok(()),
                    _ => self.receive(&mut input),
                },
                count = self.offers.recv_many(&mut offers, 1024) => {
                    debug_assert!(count > 0, "the session itself holds a sender");
                    let now = self.now();
                    for offer in offers.drain(..) {
                        let delay = match offer {
                            Offer::Report(_) => self.shared.options.receipt_delay_ms.pick(&mut self.random),
                            Offer::Inbound(_) => Duration::ZERO,
                        };
                        self.offer_in(delay, now, offer);
                    }
                    ControlFlow::Continue(())
                }
                () = alarm.until(due.unwrap_or(bind_by)), if due.is_some() => {
                    let now = self.now();
                    if must_bind && now >= bind_by {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    self.do_what_is_due(now);
                    self.leave()
                }
                () = crate::sessions::told_to_end(&mut stopped, number) => return Ok(()),
            };
            if flow.is_break() {
                self.write_lines();
                self.write(&mut writer).await?;
                return writer.shutdown().await;
            }
        }
    }

    /// Takes every whole PDU that has come.
    fn receive(&mut self, input: &mut BytesMut) -> ControlFlow<()> {
        loop {
            match frame::next(input, PDU_BYTES_MAX) {
                Ok(None) => return ControlFlow::Continue(()),
                Ok(Some(length)) => {
                    let octets = input.split_to(length);
                    self.take(&octets)?;
                }
                Err(lost) => {
                    self.shared.journal.count(|summary| summary.malformed += 1);
                    self.send(&Pdu::answer(lost.header.sequence, CommandStatus::RINVCMDLEN, Body::GenericNack));
                    input.advance(input.len());
                    return ControlFlow::Break(());
                }
            }
        }
    }

    fn take(&mut self, octets: &[u8]) -> ControlFlow<()> {
        let pdu = match decode(octets) {
            Ok(pdu) => pdu,
            Err(error) => {
                self.shared.journal.count(|summary| summary.malformed += 1);
                let body = if error.status == CommandStatus::RINVCMDID {
                    Body::GenericNack
                } else {
                    Body::Other(error.command.response(), Vec::new())
                };
                self.send(&Pdu::answer(error.sequence, error.status, body));
                return ControlFlow::Continue(());
            }
        };
        if self.shared.options.silent && !matches!(pdu.body, Body::Bind(..)) {
            return ControlFlow::Continue(());
        }
        let command = pdu.body.command();
        if !command.is_response() && !self.state.esme_may_send(command) {
            self.send(&Pdu::answer(
                pdu.sequence,
                CommandStatus::RINVBNDSTS,
                Body::Other(command.response(), Vec::new()),
            ));
            return ControlFlow::Continue(());
        }
        match pdu.body {
            Body::Bind(kind, bind) => return self.bind(kind, bind, pdu.sequence),
            Body::SubmitSm(sm) => return self.submit(&sm, pdu.sequence, &pdu.tlvs, octets),
            Body::EnquireLink => self.send(&Pdu::new(pdu.sequence, Body::EnquireLinkResp)),
            Body::Unbind => {
                self.send(&Pdu::new(pdu.sequence, Body::UnbindResp));
                return ControlFlow::Break(());
            }
            Body::UnbindResp => {
                self.leaving = true;
                return self.leave();
            }
            Body::DeliverSmResp(_) | Body::DataSmResp(_) => self.offer_answered(pdu.sequence, pdu.status, octets),
            _ if command.is_response() => {}
            _ => self.send(&Pdu::answer(pdu.sequence, CommandStatus::RINVCMDID, Body::GenericNack)),
        }
        ControlFlow::Continue(())
    }

    /// Whether it is time to go.
    const fn leave(&self) -> ControlFlow<()> {
        if self.leaving && self.unanswered == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn bind(&mut self, kind: BindKind, bind: Bind, sequence: u32) -> ControlFlow<()> {
        let options = &self.shared.options;
        let wrong =
            |wanted: &Option<String>, given: &[u8]| wanted.as_ref().is_some_and(|wanted| wanted.as_bytes() != given);
        let refusal = match () {
            () if options.refuse_bind.is_some() => options.refuse_bind.map(|status| status.0),
            () if wrong(&options.system_id, &bind.system_id) => Some(CommandStatus::RINVSYSID),
            () if wrong(&options.password, &bind.password) => Some(CommandStatus::RINVPASWD),
            () => None,
        };
        let receiver = (kind != BindKind::Transmitter).then(|| self.receiver.clone());
        let refusal = refusal.or_else(|| {
            let bound = self.shared.registry.bind(&bind.system_id, self.number, receiver, options.sessions_max);
            (!bound).then_some(CommandStatus::RALYBND)
        });
        if let Some(status) = refusal {
            self.send(&Pdu::answer(sequence, status, Body::BindResp(kind, Vec::new())));
            return ControlFlow::Break(());
        }
        self.state = match kind {
            BindKind::Transmitter => SessionState::BoundTx,
            BindKind::Receiver => SessionState::BoundRx,
            BindKind::Transceiver => SessionState::BoundTrx,
        };
        let mut answer = Pdu::new(sequence, Body::BindResp(kind, b"simulator".to_vec()));
        self.version = if bind.interface_version >= interface_version::V5_0 {
            interface_version::V5_0
        } else {
            interface_version::V3_4
        };
        answer.tlvs.push(tag::SC_INTERFACE_VERSION, [self.version]);
        self.send(&answer);
        self.system_id = bind.system_id;
        self.shared.journal.count(|summary| summary.binds += 1);
        self.log(serde_json::json!({
            "event": "bind",
            "kind": kind.command().name(),
            "system_id": String::from_utf8_lossy(&self.system_id),
        }));
        ControlFlow::Continue(())
    }

    fn submit(&mut self, sm: &Sm, sequence: u32, tlvs: &Tlvs, octets: &[u8]) -> ControlFlow<()> {
        let now = self.now();
        let mut fate = faults::decide(
            &self.shared.options,
            &mut self.random,
            &mut self.meter,
            self.unanswered,
            &sm.destination,
            now,
        );
        let place = self.show(sm, tlvs, octets, &mut fate);
        let id = if fate.status.is_ok() { self.shared.next_id.fetch_add(1, Ordering::Relaxed) } else { 0 };
        let came_ms = self.shared.now_ms();
        self.shared.journal.count(|summary| {
            summary.submitted += 1;
            let first_ms = summary.submitted_between_ms.map_or(came_ms, |(first_ms, _)| first_ms);
            summary.submitted_between_ms = Some((first_ms, came_ms));
        });
        self.log_submit(sm, sequence, tlvs, fate.status, id);
        if fate.garbage {
            self.send_garbage();
        }
        self.answer(sequence, id, &fate, now, (sm, place));
        if fate.status.is_ok() {
            self.let_handset_answer(sm, tlvs, fate.answer_in.unwrap_or_default(), now);
        }
        if fate.unbind {
            let sequence = self.sequence.next_number();
            self.send(&Pdu::new(sequence, Body::Unbind));
        }
        if fate.disconnect { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn answer(&mut self, sequence: u32, id: u64, fate: &Fate, now: Instant, (sm, place): (&Sm, Option<Place>)) {
        let state = if fate.status.is_ok() { self.shared.options.receipts.pick(&mut self.random) } else { None };
        let is_at_hand = self.meet(id, fate, sm, place.as_ref(), state);
        let state = state.filter(|state| is_at_hand && receipts::is_wanted(sm.registered_delivery, *state));
        let report = state.map(|state| Report::new(id, state, sm, place.clone(), self.shared.now_ms()));
        let copies = if fate.duplicate_receipt { 2 } else { 1 };
        if fate.receipt_first {
            report.iter().for_each(|report| self.queue(Offer::Report(report.clone())));
            self.offer();
        }
        match fate.answer_in {
            None => self.shared.journal.count(|summary| summary.lost_responses += 1),
            Some(Duration::ZERO) => self.send_answer(sequence, fate.status, id, place.as_ref()),
            Some(delay) => {
                self.unanswered += 1;
                self.do_at(now + delay, Later::Answer { sequence, status: fate.status, id, place });
            }
        }
        let sent_already = usize::from(fate.receipt_first);
        if let Some(report) = report {
            for _ in sent_already..copies {
                // A report never overtakes its answer unless it is told to. Its own delay begins in the session that
                // offers it.
                let own_delay = if self.state.can_deliver() {
                    self.shared.options.receipt_delay_ms.pick(&mut self.random)
                } else {
                    Duration::ZERO
                };
                self.offer_in(fate.answer_in.unwrap_or_default() + own_delay, now, Offer::Report(report.clone()));
            }
        }
    }

    fn send_answer(&mut self, sequence: u32, status: CommandStatus, id: u64, place: Option<&Place>) {
        let id = self.shared.options.id_format.write(id).into_bytes();
        let mut answer = Pdu::answer(sequence, status, Body::SubmitSmResp(id));
        // SMPP 5.0, 4.8.4.18; an older ESME need not know it.
        if let Some(congestion) = self.shared.options.congestion.filter(|_| self.version >= interface_version::V5_0) {
            answer.tlvs.push(tag::CONGESTION_STATE, [congestion]);
        }
        self.send(&answer);
        if let (Some(handsets), Some(place)) = (&self.shared.handsets, place) {
            handsets.see(place, By::Simulator, What::Pdu(octets_of(&answer)));
        }
        self.shared.journal.count(|summary| *summary.answered.entry(status.to_string()).or_default() += 1);
    }

    fn now(&self) -> Instant {
        self.shared.runtime.instant()
    }

    fn do_at(&mut self, at: Instant, task: Later) {
        self.next_task += 1;
        self.later.push((Reverse(at), Reverse(self.next_task)));
        self.tasks.insert(self.next_task, task);
    }

    fn do_what_is_due(&mut self, now: Instant) {
        while self.later.peek().is_some_and(|(Reverse(at), _)| *at <= now) {
            let Some((_, Reverse(number))) = self.later.pop() else { return };
            match self.tasks.remove(&number) {
                Some(Later::Answer { sequence, status, id, place }) => {
                    self.unanswered -= 1;
                    self.send_answer(sequence, status, id, place.as_ref());
                }
                Some(Later::Offer(offer)) => self.queue(offer),
                Some(Later::Check(sequence)) => self.check(sequence),
                None => {}
            }
        }
    }

    fn send(&mut self, pdu: &Pdu) {
        encode(pdu, &mut self.output);
    }

    /// A `deliver_sm` that ends before its fields do, under a length that is right.
    fn send_garbage(&mut self) {
        let sequence = self.sequence.next_number();
        self.send(&Pdu::new(sequence, Body::Other(CommandId::DELIVER_SM, vec![0, 1, 1, b'x'])));
    }

    async fn write(&mut self, writer: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        if self.shared.options.one_octet_writes {
            for octet in &self.output {
                writer.write_all(&[*octet]).await?;
                writer.flush().await?;
            }
        } else {
            writer.write_all(&self.output).await?;
            writer.flush().await?;
        }
        self.output.clear();
        Ok(())
    }

    fn write_lines(&mut self) {
        if !self.lines.is_empty() {
            self.shared.journal.write(self.lines.as_bytes());
            self.lines.clear();
        }
    }

    fn log(&mut self, mut line: serde_json::Value) {
        if self.shared.journal.has_log() {
            line["session"] = self.number.into();
            line["at_ms"] = self.shared.now_ms().into();
            // Writing to a String cannot fail.
            let _ = writeln!(self.lines, "{line}");
        }
    }

    fn log_submit(&mut self, sm: &Sm, sequence: u32, tlvs: &Tlvs, status: CommandStatus, id: u64) {
        if !self.shared.journal.has_log() {
            return;
        }
        let mut line = serde_json::json!({
            "event": "submit_sm",
            "system_id": String::from_utf8_lossy(&self.system_id),
            "sequence": sequence,
            "source": sm.source.text(),
            "source_ton": sm.source.ton,
            "source_npi": sm.source.npi,
            "destination": sm.destination.text(),
            "data_coding": sm.data_coding,
            "esm_class": sm.esm_class,
            "validity_period": String::from_utf8_lossy(&sm.validity_period),
            "octets": sm.short_message.len(),
            "status": status.to_string(),
        });
        if status.is_ok() {
            line["message_id"] = self.shared.options.id_format.write(id).into();
        }
        let (concat, text) =
            if sm.has_header() { wire::concat::read(&sm.short_message) } else { (None, &sm.short_message[..]) };
        if let Some(concat) = concat {
            line["segment"] =
                serde_json::json!({"reference": concat.reference, "total": concat.total, "number": concat.number});
        }
        if self.shared.options.log_text {
            line["text"] = decoded(sm.data_coding, tlvs.get(tag::MESSAGE_PAYLOAD).unwrap_or(text)).into();
        }
        self.log(line);
    }
}

/// A PDU as it travels.
fn octets_of(pdu: &Pdu) -> Vec<u8> {
    let mut octets = Vec::new();
    encode(pdu, &mut octets);
    octets
}

fn decoded(data_coding: u8, text: &[u8]) -> String {
    use wire::smpp::constants::data_coding::{DEFAULT, UCS2};
    match data_coding {
        UCS2 => wire::gsm::segment::decode_ucs2(text),
        DEFAULT => wire::gsm::alphabet::decode(text),
        _ => text.iter().map(|octet| char::from(*octet)).collect(),
    }
}
