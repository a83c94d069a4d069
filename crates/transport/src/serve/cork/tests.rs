use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// A socket that takes what it has room for, and remembers each write.
#[derive(Clone, Debug, Default)]
struct Fake(Arc<Mutex<FakeState>>);

#[derive(Debug, Default)]
struct FakeState {
    writes: Vec<Vec<u8>>,
    stalled: bool,
    broken: bool,
    shut: bool,
    flushes: usize,
    waker: Option<Waker>,
}

impl Fake {
    fn state(&self) -> MutexGuard<'_, FakeState> {
        self.0.lock().unwrap()
    }

    fn resume(&self) {
        let waker = {
            let mut state = self.state();
            state.stalled = false;
            state.waker.take()
        };
        waker.unwrap().wake();
    }
}

impl AsyncRead for Fake {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Fake {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.state();
        if state.broken {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if state.stalled {
            state.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        state.writes.push(bytes.to_vec());
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.to_vec()).collect();
        self.poll_write(cx, &bytes)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.state().flushes += 1;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.state().shut = true;
        Poll::Ready(Ok(()))
    }
}

/// What a scripted connection has to write, as streams put it there, and how it ended.
#[derive(Clone, Debug, Default)]
struct Script(Arc<Mutex<ScriptState>>);

#[derive(Debug, Default)]
struct ScriptState {
    pieces: VecDeque<Vec<u8>>,
    waker: Option<Waker>,
}

impl Script {
    /// What a stream does when it is done: it leaves its answer and wakes the connection.
    fn answer(&self, bytes: &[u8]) {
        let waker = {
            let mut script = self.0.lock().unwrap();
            script.pieces.push_back(bytes.to_vec());
            script.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn pending(&self) -> usize {
        self.0.lock().unwrap().pieces.iter().map(Vec::len).sum()
    }

    /// Writes what is there and flushes after each piece, as HTTP/2 does; fails as its io fails.
    async fn connection(self, mut io: Corked<Fake>) -> io::Result<()> {
        poll_fn(move |cx| {
            loop {
                let mut script = self.0.lock().unwrap();
                script.waker = Some(cx.waker().clone());
                let Some(piece) = script.pieces.front_mut() else {
                    return Pin::new(&mut io).poll_flush(cx).map_ok(|()| ()).and_pending();
                };
                let count = ready!(Pin::new(&mut io).poll_write(cx, piece))?;
                piece.drain(..count);
                if piece.is_empty() {
                    script.pieces.pop_front();
                }
                ready!(Pin::new(&mut io).poll_flush(cx))?;
            }
        })
        .await
    }
}

trait AndPending {
    fn and_pending(self) -> Self;
}

impl AndPending for Poll<io::Result<()>> {
    /// Success is no end: the connection stays open.
    fn and_pending(self) -> Self {
        match self {
            Poll::Ready(Ok(())) => Poll::Pending,
            other => other,
        }
    }
}

struct Corking {
    fake: Fake,
    script: Script,
    ended: tokio::task::JoinHandle<io::Result<()>>,
}

fn corking(waiting: Waiting) -> Corking {
    let (fake, script) = (Fake::default(), Script::default());
    let (corked, cork) = cork(fake.clone(), waiting);
    #[expect(clippy::disallowed_methods, reason = "a test's own task")]
    let ended = tokio::spawn(cork.around(script.clone().connection(corked)));
    Corking { fake, script, ended }
}

/// Lets everything that is ready run.
async fn settle() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_leaves_in_one_write() {
    for waiting in [Waiting::Learned, Waiting::Never] {
        let corking = corking(waiting);
        for piece in [&b"one "[..], b"two ", b"three"] {
            corking.script.answer(piece);
        }
        settle().await;
        assert_eq!(corking.fake.state().writes, [b"one two three".to_vec()]);
        assert_eq!(corking.fake.state().flushes, 1);
    }
}

/// Counts the wake-ups of a task that is polled by hand.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn what_others_finish_in_the_turn_after_joins_the_write() {
    for (waiting, writes) in [(Waiting::Learned, 1), (Waiting::Never, 2)] {
        let (fake, script, woken) =
            (Fake::default(), Script::default(), Arc::new(Woken::default()));
        let (corked, cork) = cork(fake.clone(), waiting);
        let mut connection = std::pin::pin!(cork.around(script.clone().connection(corked)));
        let waker = Arc::clone(&woken).into();
        let mut cx = Context::from_waker(&waker);

        script.answer(b"first ");
        assert!(connection.as_mut().poll(&mut cx).is_pending());
        let waits = waiting == Waiting::Learned;
        assert_eq!(fake.state().writes.is_empty(), waits);
        assert_eq!(woken.0.load(Ordering::SeqCst), usize::from(waits), "it comes again by itself");

        script.answer(b"second");
        assert!(connection.as_mut().poll(&mut cx).is_pending());
        assert_eq!(fake.state().writes.concat(), b"first second");
        assert_eq!(fake.state().writes.len(), writes);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stalled_socket_holds_the_connection_and_nothing_is_lost() {
    let corking = corking(Waiting::Learned);
    corking.fake.state().stalled = true;
    let sent: Vec<u8> = (0_u32..60_000).flat_map(u32::to_le_bytes).collect();
    for piece in sent.chunks(1000) {
        corking.script.answer(piece);
    }
    settle().await;
    assert_eq!(corking.script.pending(), sent.len() - CAPACITY, "the buffer has an end");
    corking.fake.resume();
    settle().await;
    assert!(corking.fake.state().writes.concat() == sent);
    assert_eq!(corking.script.pending(), 0);
}

#[tokio::test(start_paused = true)]
async fn through_a_narrow_pipe_everything_arrives() {
    let (ours, mut theirs) = tokio::io::duplex(100);
    let (mut corked, cork) = cork(ours, Waiting::Learned);
    let sent: Vec<u8> = (0_u32..100_000).flat_map(u32::to_le_bytes).collect();
    let expected = sent.clone();
    let connection = cork.around(async move {
        for piece in sent.chunks(777) {
            corked.write_all(piece).await?;
            corked.flush().await?;
        }
        corked.shutdown().await
    });
    let mut received = Vec::new();
    let (ended, read) = tokio::join!(connection, theirs.read_to_end(&mut received));
    ended.unwrap();
    read.unwrap();
    assert!(received == expected);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_sends_what_is_buffered_first() {
    let fake = Fake::default();
    let (mut corked, cork) = cork(fake.clone(), Waiting::Learned);
    cork.around(async move {
        corked.write_all(b"last").await.unwrap();
        corked.shutdown().await.unwrap();
    })
    .await;
    let state = fake.state();
    assert!(state.shut && state.writes == [b"last".to_vec()]);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_connection_sends_what_is_buffered() {
    let fake = Fake::default();
    fake.state().stalled = true;
    let (mut corked, cork) = cork(fake.clone(), Waiting::Learned);
    let connection = cork.around(async move {
        corked.write_all(b"go away").await.unwrap();
        7
    });
    let resumed = async {
        settle().await;
        fake.resume();
    };
    assert_eq!(tokio::join!(connection, resumed).0, 7);
    assert_eq!(fake.state().writes.concat(), b"go away");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_socket_reaches_the_connection() {
    let corking = corking(Waiting::Learned);
    corking.fake.state().broken = true;
    corking.script.answer(b"lost");
    let ended = corking.ended.await.unwrap();
    assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn where_waiting_brings_nothing_it_gets_rare_and_where_it_brings_something_it_comes_back() {
    // The distance from one wait to the next, at bursts that bring `gain` while waiting.
    fn distances(lesson: &mut Lesson, gain: usize, waits: usize) -> Vec<u32> {
        let mut distances = Vec::new();
        let mut distance = 0;
        while distances.len() < waits {
            distance += 1;
            if lesson.waits(100) {
                assert!(!lesson.waits(100 + gain), "it waits once");
                distances.push(distance);
                distance = 0;
            }
        }
        distances
    }
    let mut lesson = Lesson::default();
    assert_eq!(distances(&mut lesson, 0, 8), [1, 2, 4, 8, 16, 32, 32, 32]);
    assert_eq!(distances(&mut lesson, 1, 3), [32, 1, 1]);
    assert_eq!(distances(&mut lesson, 0, 3), [1, 2, 4]);
}

#[tokio::test(start_paused = true)]
async fn reads_pass_through() {
    let (ours, mut theirs) = tokio::io::duplex(100);
    let (mut corked, _cork) = cork(ours, Waiting::Never);
    theirs.write_all(b"hello").await.unwrap();
    let mut read = [0; 5];
    corked.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"hello");
}

/// Writes `frames` of 16 KiB as HTTP/2 writes them, a head and what is in it, through a cork.
async fn written_as_frames(frames: usize, stalled: bool) -> (Vec<u8>, Vec<usize>) {
    let fake = Fake::default();
    fake.state().stalled = stalled;
    let (mut corked, cork) = cork(fake.clone(), Waiting::Learned);
    let frame = [7; 16 * 1024];
    let mut connection = Box::pin(cork.around(async move {
        for index in 0..frames {
            let head = u32::try_from(index).unwrap().to_be_bytes();
            let mut rest = [&head[..], &frame[..]].concat();
            while !rest.is_empty() {
                let (head, data) = rest.split_at(rest.len().min(head.len()));
                let parts = [io::IoSlice::new(head), io::IoSlice::new(data)];
                let count = corked.write_vectored(&parts).await.unwrap();
                rest.drain(..count);
            }
        }
    }));
    if stalled {
        let waits = std::future::poll_fn(|cx| Poll::Ready(connection.as_mut().poll(cx)));
        assert!(waits.await.is_pending());
        fake.resume();
    }
    connection.await;
    let state = fake.state();
    (state.writes.concat(), state.writes.iter().map(Vec::len).collect())
}

#[tokio::test(start_paused = true)]
async fn of_a_large_message_the_rest_leaves_behind_what_was_buffered() {
    let expected: Vec<u8> = (0_u32..6)
        .flat_map(|index| [&index.to_be_bytes()[..], &[7; 16 * 1024][..]].concat())
        .collect();
    let (bytes, writes) = written_as_frames(6, false).await;
    assert!(bytes == expected);
    assert_eq!(writes, [3 * (4 + 16 * 1024); 2]);
    let (bytes, _) = written_as_frames(6, true).await;
    assert!(bytes == expected, "whatever the socket takes");
}
