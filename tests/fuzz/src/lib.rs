//! What the targets share.

use std::{
    io,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures::future::{BoxFuture, FutureExt, ready};

pub mod policy;

/// An error message is for a person: no control characters, and not much longer than what it quotes from.
pub fn check_message(message: &str, input: usize) {
    assert!(message.len() <= 4096 + 8 * input, "{} bytes of message for {input} of input", message.len());
    if let Some(c) = message.chars().find(|c| c.is_control() && *c != '\n') {
        panic!("{c:?} in {message:?}");
    }
}

/// The input repeated to 32 KiB, for one input in 64. What reads it in more than linear time runs into the time limit
/// of an input, which short ones would never meet.
pub fn long_form(text: &str, separator: &str) -> Option<String> {
    long_bytes(text.as_bytes(), separator.as_bytes()).and_then(|long| String::from_utf8(long).ok())
}

/// As [`long_form`], of bytes.
pub fn long_bytes(bytes: &[u8], separator: &[u8]) -> Option<Vec<u8>> {
    let sum = bytes.iter().fold(7_u32, |sum, b| sum.wrapping_mul(31).wrapping_add((*b).into()));
    if bytes.is_empty() || !sum.is_multiple_of(64) {
        return None;
    }
    let piece = [bytes, separator].concat();
    Some(piece.repeat(32 * 1024 / piece.len() + 1))
}

/// The value of a future that never waits.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing here waits")
}

/// The value of a future that waits for nothing but time, of which it takes none.
pub fn in_no_time<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// Values made from the input, one after the other; zeros when it is used up.
pub struct Dice<'a>(&'a [u8]);

impl<'a> Dice<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        self.some(1).first().copied().unwrap_or_default()
    }

    /// Below the limit, which is none where it is 0.
    pub fn number(&mut self, limit: usize) -> usize {
        let number = self.some(4).iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
        number.checked_rem(limit).unwrap_or(number)
    }

    pub fn one_of<T: Clone>(&mut self, values: &[T]) -> T {
        values[usize::from(self.byte()) % values.len()].clone()
    }

    /// So many bytes, or those that are left.
    pub fn some(&mut self, length: usize) -> &'a [u8] {
        let (some, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        some
    }

    /// Text of up to 31 bytes of the input.
    pub fn text(&mut self) -> String {
        let length = usize::from(self.byte() % 32);
        String::from_utf8_lossy(self.some(length)).into_owned()
    }
}

/// A store in memory, which counts what is done to it and may be full. The targets make it a `JournalStore`.
#[derive(Debug, Default)]
pub struct Memory {
    bytes: Mutex<Vec<u8>>,
    writes: AtomicUsize,
    room: Mutex<Option<usize>>,
}

impl Memory {
    pub fn of(bytes: &[u8]) -> Self {
        Self { bytes: Mutex::new(bytes.to_vec()), ..Self::default() }
    }

    pub fn bytes(&self) -> Vec<u8> {
        lock(&self.bytes).clone()
    }

    pub fn writes(&self) -> usize {
        self.writes.load(Ordering::Relaxed)
    }

    /// Only so many bytes of a write find room from now on; what is over is cut off, and the write fails.
    pub fn leave_room(&self, room: Option<usize>) {
        *lock(&self.room) = room;
    }

    pub fn read(&self) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        ready(Ok(self.bytes())).boxed()
    }

    pub fn append(&self, mut bytes: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
        let result = self.fit(&mut bytes);
        lock(&self.bytes).extend(bytes);
        ready(result).boxed()
    }

    pub fn replace(&self, mut bytes: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
        let result = self.fit(&mut bytes);
        if result.is_ok() {
            *lock(&self.bytes) = bytes;
        }
        ready(result).boxed()
    }

    fn fit(&self, bytes: &mut Vec<u8>) -> io::Result<()> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        match *lock(&self.room) {
            Some(room) if room < bytes.len() => {
                bytes.truncate(room);
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => Ok(()),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
