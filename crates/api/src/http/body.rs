//! Reading a request's body within its bounds.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use model::error::{AdditionalInfo, ErrorCode, Refusal};
use runtime::Runtime;

/// The limits of the size and the time of a body.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// The largest body.
    pub bytes_max: usize,
    /// The longest time in which it must arrive.
    pub timeout: Duration,
}

/// The amount of an oversized body that is still read, so that its sender can read the answer.
const DISCARD_BYTES_MAX: usize = 16 << 20;

/// Reads a body.
///
/// # Errors
/// [`ErrorCode::RequestTooLarge`] over the limit, [`ErrorCode::ServiceUnavailable`] when it takes too long,
/// [`ErrorCode::MalformedRequest`] when it breaks off or its framing is wrong.
pub async fn read(runtime: &Arc<dyn Runtime>, body: Body, limits: BodyLimits) -> Result<Bytes, Refusal> {
    match runtime.timeout(limits.timeout, collect(body, limits.bytes_max)).await {
        Ok(result) => result,
        Err(_) => Err(Refusal::new(ErrorCode::ServiceUnavailable)
            .with_retry_after(Duration::from_secs(1))
            .caused_by("the body took too long")),
    }
}

async fn collect(mut body: Body, bytes_max: usize) -> Result<Bytes, Refusal> {
    let too_large =
        || Refusal::new(ErrorCode::RequestTooLarge).caused_by(format!("the body is over {bytes_max} bytes"));
    if body.size_hint().lower() > DISCARD_BYTES_MAX as u64 {
        return Err(too_large());
    }
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(bytes_max).min(bytes_max);
    let (mut first, mut rest, mut total) = (Bytes::new(), BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        let broken = |error| {
            Refusal::new(ErrorCode::MalformedRequest)
                .with_info(AdditionalInfo::Place { line: 1, column: 1 })
                .caused_by(error)
        };
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        total += data.len();
        if total > DISCARD_BYTES_MAX {
            break;
        }
        if total > bytes_max {
            continue;
        }
        // Most bodies come in one piece, which is then not copied.
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                // What the sender says that there is, at once: a buffer that grows bit by bit is copied again and
                // again.
                rest.reserve(expected);
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
    }
    match () {
        () if total > bytes_max => Err(too_large()),
        () if rest.is_empty() => Ok(first),
        () => Ok(rest.freeze()),
    }
}

#[cfg(test)]
mod tests {
    use runtime::Machine;

    use super::*;

    fn machine() -> Arc<dyn Runtime> {
        Arc::new(Machine::new())
    }

    const LIMITS: BodyLimits = BodyLimits { bytes_max: 8, timeout: Duration::from_secs(5) };

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        assert_eq!(read(&machine(), Body::from("12345678"), LIMITS).await.unwrap(), "12345678");
        assert_eq!(
            read(&machine(), Body::from("123456789"), LIMITS).await.unwrap_err().code,
            ErrorCode::RequestTooLarge
        );
        assert_eq!(read(&machine(), Body::empty(), LIMITS).await.unwrap(), "");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_takes_too_long_is_given_up() {
        let (sender, body) = http_body_util::channel::Channel::<Bytes, std::io::Error>::new(1);
        let refusal = read(&machine(), Body::new(body), LIMITS).await.unwrap_err();
        assert_eq!((refusal.code, refusal.retry_after), (ErrorCode::ServiceUnavailable, Some(Duration::from_secs(1))));
        drop(sender);
    }
}
