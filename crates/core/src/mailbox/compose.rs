//! From what somebody asked to send to the message that is sent: well formed, and within every limit.

use super::events::MessageSent;
use crate::{
    command::SendMessage,
    id::MessageId,
    limits,
    name::{ActorName, Word},
    refusal::Refusal,
};

/// Left free in a message's event, so that a redrive of it fits as well.
const REDRIVE_BYTES: usize = 256;

/// The message that this actor sends. `parent` is the message it answers and the first one of that thread. Whether the
/// recipients are known is not decided here.
///
/// # Errors
/// [`Refusal::BadRequest`] for recipients or texts that make no message, [`Refusal::ReservedName`] for `system`,
/// [`Refusal::BadName`] for the kind, [`Refusal::OverLimit`].
pub fn compose(
    send: &SendMessage,
    sender: &ActorName,
    parent: Option<(MessageId, MessageId)>,
) -> Result<MessageSent, Refusal> {
    let to = recipients(&send.to)?;
    let kind = Word::parse(send.kind.as_deref().unwrap_or("info"))?;
    let subject = send.subject.as_deref().filter(|subject| !subject.is_empty());
    if let Some(subject) = subject {
        within("the subject's size in bytes", subject.len(), limits::SUBJECT_BYTES_MAX)?;
        one_line("the subject", subject)?;
    }
    within("the text's size in bytes", send.body.len(), limits::MESSAGE_BODY_BYTES_MAX)?;
    if send.body.is_empty() && subject.is_none() && send.data.is_none() {
        return Err(Refusal::BadRequest("a message needs a text, a subject or data".to_owned()));
    }
    within("the number of references", send.references.len(), limits::REFERENCES_MAX)?;
    for reference in &send.references {
        within("the size of a reference in bytes", reference.len(), limits::REFERENCE_BYTES_MAX)?;
        one_line("a reference", reference)?;
        if reference.is_empty() {
            return Err(Refusal::BadRequest("a reference is empty".to_owned()));
        }
    }
    if let Some(data) = &send.data {
        limits::check_json("the size of the data in bytes of JSON", data)?;
    }
    let sent = MessageSent {
        from: sender.clone(),
        to,
        kind,
        priority: send.priority,
        subject: subject.map(str::to_owned),
        body: send.body.clone(),
        data: send.data.clone(),
        in_reply_to: parent.map(|(message, _)| message),
        thread: parent.map(|(_, thread)| thread),
        references: send.references.clone(),
        redrive_of: None,
    };
    fits_an_event(&sent)?;
    Ok(sent)
}

/// Each mailbox once, in the order given.
fn recipients(names: &[ActorName]) -> Result<Vec<ActorName>, Refusal> {
    let mut to: Vec<ActorName> = Vec::with_capacity(names.len().min(limits::RECIPIENTS_MAX));
    for name in names {
        if name.as_str() == ActorName::SYSTEM {
            return Err(Refusal::ReservedName(name.clone()));
        }
        let mailbox = name.clone().mailbox();
        if !to.contains(&mailbox) {
            within("the number of recipients", to.len() + 1, limits::RECIPIENTS_MAX)?;
            to.push(mailbox);
        }
    }
    if to.is_empty() {
        return Err(Refusal::BadRequest("a message needs a recipient".to_owned()));
    }
    if to.len() > 1 && to.iter().any(|name| name.as_str() == ActorName::ALL) {
        return Err(Refusal::BadRequest("all addresses everybody already; it stands alone".to_owned()));
    }
    Ok(to)
}

/// Text grows when it is written as JSON (a control character to six bytes), so that a text within its own limit may
/// still be too much for an event.
fn fits_an_event(sent: &MessageSent) -> Result<(), Refusal> {
    let size_max = limits::PAYLOAD_BYTES_MAX - REDRIVE_BYTES;
    // The usual message is so short that it need not be written to be measured.
    if sent.body.len() < 1024 && sent.data.is_none() && sent.references.is_empty() {
        return Ok(());
    }
    within("the message's size in bytes of JSON", json_bytes(sent), size_max)
}

fn within(what: &'static str, size: usize, size_max: usize) -> Result<(), Refusal> {
    if size > size_max { Err(Refusal::OverLimit { what, size, size_max }) } else { Ok(()) }
}

fn one_line(what: &str, text: &str) -> Result<(), Refusal> {
    if text.chars().any(char::is_control) {
        return Err(Refusal::BadRequest(format!("{what} is one line, without control characters")));
    }
    Ok(())
}

/// The size of something as JSON; what cannot be written has no size, and no place in a command.
fn json_bytes(value: &impl serde::Serialize) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).map_or(usize::MAX, |()| count.0)
}
