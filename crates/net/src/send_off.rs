//! The end of a connection that the peer is to understand.

use std::sync::Arc;
use std::time::Duration;

use runtime::Runtime;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// So much of what the peer still sends is read.
const DISCARD_BYTES_MAX: usize = 256 * 1024;

/// Writes `octets`, says that nothing follows, and reads what the peer has under way until it hangs up too, all within
/// `limit`. A connection that is closed while input waits unread is reset, and a reset may destroy the answer before
/// the peer has read it (RFC 9112, section 9.6).
pub async fn send_off(
    runtime: &Arc<dyn Runtime>,
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    octets: &[u8],
    limit: Duration,
) {
    let goodbye = async {
        stream.write_all(octets).await?;
        stream.flush().await?;
        stream.shutdown().await?;
        let mut rest = [0; 4_096];
        let mut discarded = 0;
        while discarded < DISCARD_BYTES_MAX {
            match stream.read(&mut rest).await? {
                0 => break,
                count => discarded += count,
            }
        }
        Ok::<(), std::io::Error>(())
    };
    // A peer that does not want to hear it loses nothing but the answer.
    let _ = runtime.timeout(limit, goodbye).await;
}

#[cfg(test)]
mod tests {
    use runtime::Machine;
    use tokio::io::duplex;

    use super::*;

    fn machine() -> Arc<dyn Runtime> {
        Arc::new(Machine::new())
    }

    #[tokio::test(start_paused = true)]
    async fn the_peer_reads_the_answer_and_the_end() {
        let (mut peer, ours) = duplex(64);
        let ended = tokio::spawn(send_off_owned(ours));
        peer.write_all(b"more of the request").await.unwrap();
        let mut heard = String::new();
        peer.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "no");
        drop(peer);
        ended.await.unwrap();
    }

    async fn send_off_owned(stream: tokio::io::DuplexStream) {
        send_off(&machine(), stream, b"no", Duration::from_secs(1)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_neither_reads_nor_hangs_up_is_left() {
        let (_peer, ours) = duplex(1);
        send_off(&machine(), ours, b"no", Duration::from_secs(1)).await;
    }
}
