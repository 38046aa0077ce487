//! A stream on which writing has a deadline.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use runtime::{Alarm, Runtime};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How long a peer may leave octets unread that are written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The longest time without any progress.
    pub idle: Duration,
    /// Octets a second that the peer must take on average, once it has kept us waiting for [`idle`](Self::idle) in all.
    /// Without this floor a peer that reads one octet now and then would hold its connection for hours. 0 for none.
    pub bytes_per_second_min: u32,
}

impl Patience {
    /// This long without progress, and 1,024 octets a second after that: a page of a list, about 64 KB, may take a
    /// minute and a half.
    pub const fn of(idle: Duration) -> Self {
        Self { idle, bytes_per_second_min: 1_024 }
    }
}

/// A stream whose writes fail with [`io::ErrorKind::TimedOut`] when the peer does not read. Reading has its deadlines
/// elsewhere, because they depend on what is read.
///
/// A write that succeeds at once costs nothing: the timer, one for each connection, is made when a write has to wait
/// for the first time.
pub struct Patient<S> {
    stream: S,
    patience: Patience,
    waits: Option<Waits>,
    alarm: Alarm,
}

/// Octets that wait for the peer.
#[derive(Clone, Copy, Debug)]
struct Waits {
    since: Instant,
    progress: Instant,
    written: u64,
}

impl<S> Patient<S> {
    /// A stream with this patience for its peer.
    pub const fn new(runtime: Arc<dyn Runtime>, stream: S, patience: Patience) -> Self {
        Self { stream, patience, waits: None, alarm: Alarm::new(runtime) }
    }

    /// When the peer must have read more.
    fn deadline(&self, waits: &Waits) -> Instant {
        let silent = waits.progress + self.patience.idle;
        match u64::from(self.patience.bytes_per_second_min) {
            0 => silent,
            floor => silent.min(
                waits.since + self.patience.idle + Duration::from_millis(waits.written.saturating_mul(1_000) / floor),
            ),
        }
    }

    /// Notes that octets were written, or that the stream takes no more for now.
    fn note<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
        count: impl FnOnce(&T) -> usize,
    ) -> Poll<io::Result<T>> {
        match &written {
            Poll::Ready(Ok(value)) => {
                if let Some(waits) = &mut self.waits
                    && let count @ 1.. = count(value)
                {
                    waits.written += count as u64;
                    waits.progress = self.alarm.runtime().instant();
                }
                written
            }
            Poll::Ready(Err(_)) => written,
            Poll::Pending => self.wait(context).map(Err),
        }
    }

    /// Resolves to an error when the deadline has passed.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let waits = *self.waits.get_or_insert_with(|| {
            let now = self.alarm.runtime().instant();
            Waits { since: now, progress: now, written: 0 }
        });
        let deadline = self.deadline(&waits);
        self.alarm
            .poll_until(deadline, context)
            .map(|()| io::Error::new(io::ErrorKind::TimedOut, "the peer does not read the written data"))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, octets);
        this.note(context, written, |count| *count)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, octets);
        this.note(context, written, |count| *count)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            // Writers flush when all of an answer is written: the next one has time of its own.
            this.waits = None;
        }
        this.note(context, flushed, |()| 0)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let ended = Pin::new(&mut this.stream).poll_shutdown(context);
        this.note(context, ended, |()| 0)
    }
}

#[cfg(test)]
mod tests {
    use runtime::Machine;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;

    use super::*;

    const PATIENCE: Patience = Patience { idle: Duration::from_secs(30), bytes_per_second_min: 1_024 };

    /// Writes 100,000 octets to a peer with room for 1,000, which reads `count` of them every `every`; how long that
    /// took, and how it ended.
    async fn written(count: usize, every: Duration, patience: Patience) -> (Duration, Result<(), io::ErrorKind>) {
        let (mut peer, ours) = duplex(1_000);
        let reader = tokio::spawn(async move {
            let mut octets = vec![0; count.max(1)];
            loop {
                tokio::time::sleep(every).await;
                if count > 0 && peer.read(&mut octets).await.is_ok_and(|count| count == 0) {
                    return;
                }
            }
        });
        let began = Instant::now();
        let mut stream = Patient::new(Arc::new(Machine::new()), ours, patience);
        let ended = stream.write_all(&vec![b'x'; 100_000]).await.map_err(|error| error.kind());
        reader.abort();
        (began.elapsed(), ended)
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_nothing_is_given_up() {
        let (took, ended) = written(0, Duration::from_secs(1), PATIENCE).await;
        assert_eq!((took.as_secs(), ended), (30, Err(io::ErrorKind::TimedOut)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_one_octet_now_and_then_is_given_up_too() {
        let (took, ended) = written(1, Duration::from_secs(10), PATIENCE).await;
        assert_eq!((took.as_secs(), ended), (30, Err(io::ErrorKind::TimedOut)));
        let (took, ended) = written(100, Duration::from_secs(1), PATIENCE).await;
        assert_eq!(ended, Err(io::ErrorKind::TimedOut));
        assert!(took < Duration::from_secs(40), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_peer_gets_all_of_it() {
        let (took, ended) = written(2_000, Duration::from_secs(1), PATIENCE).await;
        assert_eq!(ended, Ok(()));
        assert!(took > Duration::from_secs(45), "{took:?}");
        let without_floor = Patience { bytes_per_second_min: 0, ..PATIENCE };
        assert_eq!(written(500, Duration::from_secs(29), without_floor).await.1, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_flushed_gives_the_next_answer_time_of_its_own() {
        let (mut peer, ours) = duplex(1_000);
        tokio::spawn(async move {
            let mut octets = [0; 1_000];
            loop {
                tokio::time::sleep(Duration::from_secs(20)).await;
                peer.read_exact(&mut octets).await.unwrap();
            }
        });
        let mut stream = Patient::new(Arc::new(Machine::new()), ours, PATIENCE);
        for _ in 0..10 {
            stream.write_all(&[b'x'; 1_000]).await.unwrap();
            stream.flush().await.unwrap();
        }
    }
}
