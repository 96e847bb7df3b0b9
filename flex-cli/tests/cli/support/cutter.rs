//! A proxy that cuts connections.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

/// How many connections were cut, on the way there and on the way back.
#[derive(Clone, Default)]
pub(crate) struct Cuts(Arc<[AtomicU64; 2]>);

impl Cuts {
    pub(crate) fn counted(&self) -> (u64, u64) {
        (self.0[0].load(Ordering::SeqCst), self.0[1].load(Ordering::SeqCst))
    }
}

/// Every connection is cut at a random byte, one after the other: early in what is asked, so that the service never sees the
/// whole of it; early in what is answered, so that the effect is there and the answer is not; late.
pub(crate) fn cut_in_the_middle(upstream: SocketAddr, seed: u64) -> (SocketAddr, Cuts) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let cuts = Cuts::default();
    let counts = cuts.clone();
    thread::spawn(move || {
        let mut random = fastrand::Rng::with_seed(seed);
        for (nth, client) in listener.incoming().enumerate() {
            let (Ok(client), Ok(server)) = (client, TcpStream::connect(upstream)) else { return };
            // A request has about 1,000 bytes, an answer about 500.
            let (there, back) = match nth % 3 {
                0 => (random.u64(4_000..15_000), u64::MAX),
                1 => (random.u64(100..3_000), u64::MAX),
                _ => (u64::MAX, random.u64(1..1_500)),
            };
            relay(&client, &server, there, &counts, 0);
            relay(&server, &client, back, &counts, 1);
        }
    });
    (address, cuts)
}

/// Carries so many bytes and then closes both sides.
fn relay(from: &TcpStream, to: &TcpStream, mut left: u64, cuts: &Cuts, way: usize) {
    let (mut from, mut to, cuts) = (from.try_clone().unwrap(), to.try_clone().unwrap(), cuts.clone());
    thread::spawn(move || {
        let mut bytes = [0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            let pass = usize::try_from(left).unwrap_or(usize::MAX).min(read);
            left -= pass as u64;
            if to.write_all(&bytes[..pass]).is_err() {
                break;
            }
            if left == 0 {
                cuts.0[way].fetch_add(1, Ordering::SeqCst);
                break;
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    });
}
