//! What forms do: a handset writes, or it is switched.

use hyper::StatusCode;

use super::forms::{PICTURE, Typed};
use super::handset::{self, Visit};
use super::{address, host, see_other};
use crate::handsets::{Number, Switch};
use crate::phones::answer::{Answered, Refusal};
use crate::phones::input::Form;
use crate::phones::reply::{Reply, sample};
use crate::phones::{Asked, Phones};
use crate::smsc::How;

/// Sends a message of the handset, and leads back to it. Where it cannot be sent, the page comes with what was typed.
pub(super) async fn reply(phones: &Phones, number: &Number, request: Asked) -> Answered {
    let host = host(&request);
    let form = Form::read(&phones.runtime, request, &["to", "text", "how"]).await?;
    let typed = Typed { to: form.get("to"), text: form.get("text"), how: form.get("how") };
    match write(phones, number, typed) {
        Ok(()) => Ok(see_other(&address(number))),
        Err(refusal) => {
            let visit = Visit { host: &host, typed, refusal: Some(&refusal), ..Visit::default() };
            Ok(handset::show(phones, number, &visit))
        }
    }
}

fn write(phones: &Phones, number: &Number, typed: Typed<'_>) -> Result<(), Refusal> {
    // Forms end lines with two characters, handsets with one.
    let text = typed.text.unwrap_or_default().replace("\r\n", "\n");
    let (how, picture) = match typed.how.unwrap_or_default() {
        PICTURE => (How::Plain, Some(sample())),
        "" => (How::Plain, None),
        named => (named.parse().map_err(Refusal::wrong)?, None),
    };
    let to = typed.to.unwrap_or_default().trim();
    Reply { to, text: &text, how, picture }.write(phones, number)?;
    Ok(())
}

/// Switches the handset, and leads back to it.
pub(super) async fn switch(phones: &Phones, number: &Number, request: Asked) -> Answered {
    let host = host(&request);
    let form = Form::read(&phones.runtime, request, &["state", "seconds"]).await?;
    let switched = switch_of(&form).map(|to| phones.handsets().switch(number, to));
    match switched {
        Ok(()) => Ok(see_other(&address(number))),
        Err(refusal) => {
            let visit = Visit { host: &host, refusal: Some(&refusal), ..Visit::default() };
            Ok(handset::show(phones, number, &visit))
        }
    }
}

fn switch_of(form: &Form) -> Result<Switch, Refusal> {
    let state = form.get("state").unwrap_or_default();
    // The field is in the form of every state, and means one of them.
    let seconds = form.get("seconds").filter(|_| state == "slow").map(str::parse::<u64>).transpose();
    let seconds = seconds.map_err(|_| Refusal::wrong("`seconds` of a slow handset is a number from 1 to 600"))?;
    Switch::named(state, seconds).map_err(|sentence| Refusal::new(StatusCode::BAD_REQUEST, "wrong_field", sentence))
}
