//! The bodies of requests and answers, at both ends of the socket.

use std::{
    convert::Infallible,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf as _, Bytes};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::sync::mpsc;

/// A body that is sent: whole, or piece by piece.
pub(crate) enum Body {
    /// All of it, known beforehand.
    Whole(Option<Bytes>),
    /// Pieces as they come; it ends when their sender is dropped.
    Stream(mpsc::Receiver<Bytes>),
}

impl Body {
    /// No body.
    pub(crate) fn empty() -> Self {
        Self::Whole(None)
    }

    /// A body that is known whole.
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Some(bytes.into()).filter(|bytes| !bytes.is_empty()))
    }

    /// A body of pieces, and where to send them. At most `pieces` wait at a time.
    pub(crate) fn stream(pieces: usize) -> (mpsc::Sender<Bytes>, Self) {
        let (send, receive) = mpsc::channel(pieces);
        (send, Self::Stream(receive))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(pieces) => pieces.poll_recv(cx).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

/// The next piece of a received body; `None` at its end.
pub(crate) async fn next_chunk(body: &mut Incoming) -> Result<Option<Bytes>, hyper::Error> {
    loop {
        match poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
            None => return Ok(None),
            Some(Err(error)) => return Err(error),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data()
                    && data.has_remaining()
                {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// Why a body was not received whole.
pub(crate) enum Incomplete {
    /// It is longer than it may be.
    TooLong,
    /// The connection ended.
    Broken(hyper::Error),
}

/// A received body, whole, if it is not longer than it may be.
pub(crate) async fn collect(body: &mut Incoming, bytes_max: usize) -> Result<Bytes, Incomplete> {
    let Some(first) = next_chunk(body).await.map_err(Incomplete::Broken)? else { return Ok(Bytes::new()) };
    if first.len() > bytes_max {
        return Err(Incomplete::TooLong);
    }
    // Nearly every request is one piece, which is handed on as it is.
    if body.is_end_stream() {
        return Ok(first);
    }
    let mut whole = Vec::from(first);
    while let Some(more) = next_chunk(body).await.map_err(Incomplete::Broken)? {
        if whole.len() + more.len() > bytes_max {
            return Err(Incomplete::TooLong);
        }
        whole.extend_from_slice(&more);
    }
    Ok(whole.into())
}
