//! From what somebody asked to send to the message that is sent: well formed, and within every limit.

use std::collections::BTreeSet;

use super::{commands::SendMessage, events::MessageSent};
use crate::{
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
        limits::check_json("the data", "the size of the data in bytes of JSON", data)?;
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
            if to.len() == limits::RECIPIENTS_MAX {
                let all: BTreeSet<_> = names.iter().cloned().map(ActorName::mailbox).collect();
                within("the number of recipients", all.len(), limits::RECIPIENTS_MAX)?;
            }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::priority::Priority;

    fn name(text: &str) -> ActorName {
        ActorName::parse(text).unwrap()
    }

    fn message(number: u8) -> MessageId {
        MessageId::from_bytes([number; 16])
    }

    fn asked(to: &[&str]) -> SendMessage {
        SendMessage {
            to: to.iter().map(|to| name(to)).collect(),
            body: "a text".to_owned(),
            subject: None,
            kind: None,
            priority: Priority::Normal,
            in_reply_to: None,
            references: Vec::new(),
            data: None,
            create: false,
        }
    }

    /// When this is sent, then it goes to these, or is refused with this code.
    #[track_caller]
    fn check_sent(send: &SendMessage, expected: Result<&[&str], &str>) {
        let composed = compose(send, &name("ann"), None).map_err(|refusal| refusal.code());
        let to = composed.map(|sent| sent.to.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(to, expected.map(|names| names.iter().map(ToString::to_string).collect()));
    }

    #[test]
    fn a_message_goes_to_each_mailbox_once_and_the_conductor_is_the_supervisor() {
        check_sent(&asked(&["bob"]), Ok(&["bob"]));
        check_sent(&asked(&["bob", "ann", "bob"]), Ok(&["bob", "ann"]));
        check_sent(&asked(&["conductor", "supervisor"]), Ok(&["supervisor"]));
        check_sent(&asked(&["all"]), Ok(&["all"]));
    }

    #[test]
    fn nobody_everybody_and_more_and_the_system_are_no_recipients() {
        check_sent(&asked(&[]), Err("bad_request"));
        check_sent(&asked(&["all", "bob"]), Err("bad_request"));
        check_sent(&asked(&["bob", "all"]), Err("bad_request"));
        check_sent(&asked(&["bob", "system"]), Err("reserved_name"));
        let many: Vec<String> = (0..66).map(|n| format!("a{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        check_sent(&asked(&many), Err("over_limit"));
        check_sent(&asked(&many[..65]), Ok(&many[..65]));
    }

    #[test]
    fn a_message_is_of_kind_info_unless_another_word_is_given() {
        let kind = |kind: Option<&str>| {
            let send = SendMessage { kind: kind.map(str::to_owned), ..asked(&["bob"]) };
            compose(&send, &name("ann"), None).map(|sent| sent.kind.to_string()).map_err(|refusal| refusal.code())
        };
        assert_eq!(kind(None).as_deref(), Ok("info"));
        assert_eq!(kind(Some("Bug.Report")).as_deref(), Ok("Bug.Report"));
        assert_eq!(kind(Some("two words")), Err("bad_name"));
        assert_eq!(kind(Some("")), Err("bad_name"));
    }

    #[test]
    fn an_answer_names_its_parent_and_the_first_of_its_thread() {
        let sent = compose(&asked(&["bob"]), &name("ann"), Some((message(2), message(1)))).unwrap();
        assert_eq!((sent.in_reply_to, sent.thread), (Some(message(2)), Some(message(1))));
        assert_eq!(sent.from, name("ann"));
    }

    #[test]
    fn every_part_of_a_message_is_bounded() {
        let x = |bytes: usize| "x".repeat(bytes);
        let with_body = |body: String| SendMessage { body, ..asked(&["bob"]) };
        let with_subject = |subject: &str| SendMessage { subject: Some(subject.to_owned()), ..asked(&["bob"]) };
        let with_references = |references: Vec<String>| SendMessage { references, ..asked(&["bob"]) };
        let with_data = |bytes: usize| SendMessage { data: Some(x(bytes).into()), ..asked(&["bob"]) };
        check_sent(&with_body(x(32 * 1024)), Ok(&["bob"]));
        check_sent(&with_body(x(32 * 1024 + 1)), Err("over_limit"));
        check_sent(&with_subject(&x(200)), Ok(&["bob"]));
        check_sent(&with_subject(&x(201)), Err("over_limit"));
        check_sent(&with_subject("two\nlines"), Err("bad_request"));
        check_sent(&with_references(vec![x(200); 32]), Ok(&["bob"]));
        check_sent(&with_references(vec![x(1); 33]), Err("over_limit"));
        check_sent(&with_references(vec![x(201)]), Err("over_limit"));
        check_sent(&with_references(vec![String::new()]), Err("bad_request"));
        check_sent(&with_references(vec!["a\tb".to_owned()]), Err("bad_request"));
        check_sent(&with_data(8 * 1024 - 2), Ok(&["bob"]));
        check_sent(&with_data(8 * 1024 - 1), Err("over_limit"));
    }

    #[test]
    fn a_text_that_grows_over_the_limit_of_an_event_as_json_is_refused() {
        check_sent(&SendMessage { body: "\u{1}".repeat(9_000), ..asked(&["bob"]) }, Err("over_limit"));
        check_sent(&SendMessage { body: "\u{1}".repeat(8_000), ..asked(&["bob"]) }, Ok(&["bob"]));
    }

    #[test]
    fn a_message_says_something() {
        let empty = SendMessage { body: String::new(), ..asked(&["bob"]) };
        check_sent(&empty, Err("bad_request"));
        check_sent(&SendMessage { subject: Some(String::new()), ..empty.clone() }, Err("bad_request"));
        check_sent(&SendMessage { subject: Some("look".to_owned()), ..empty.clone() }, Ok(&["bob"]));
        check_sent(&SendMessage { data: Some(json!(null)), ..empty }, Ok(&["bob"]));
    }
}
