//! `flex doctor`: every link of the chain, checked in stages that depend on each other, and told in a fixed order.
//!
//! `examine` asks, helped by `reach`, `source` and `writing`. What the answers mean is decided by functions that ask nobody,
//! in `network`, `identity`, `role`, `bucket`, `policy`, `source` and `writing`; they give `link::Link`s, which `present`
//! tells.

mod bucket;
mod examine;
mod identity;
mod link;
mod network;
mod policy;
mod present;
mod reach;
mod refusal;
mod remedy;
mod role;
mod source;
mod writing;

use std::time::Instant;

use super::Job;
use crate::{args::DoctorArgs, error::Stop, exit::Exit, language::msg};
use examine::Doctor;
use link::{Board, Id, Link};
use present::Teller;
use remedy::Remedy;

/// Stages of checks wait for each other; all together take no longer than so many times what one may take.
const STAGES: u32 = 3;

pub(super) async fn run(job: &mut Job<'_>, args: &DoctorArgs) -> Result<Exit, Stop> {
    let started = Instant::now();
    let Job { settings, interrupt, ui, flags, .. } = job;
    let mut doctor = Doctor {
        settings,
        remedy: Remedy::new(flags, settings),
        deadline: args.deadline,
        write_probe: args.write_probe,
        board: Board::default(),
        teller: Teller::default(),
        ui,
    };
    let whole = async {
        // What has not been checked by then is told so.
        let _ = tokio::time::timeout(args.deadline * STAGES, doctor.examine()).await;
        Ok(())
    };
    interrupt.or(whole).await?;
    let Doctor { mut board, mut teller, ui, .. } = doctor;
    for id in Id::ALL {
        if board.get(id).is_none() {
            board.put(Link::not_checked(id, "no-time", msg!("doctor-no-time")));
        }
    }
    teller.tell(&board, None, ui);
    Ok(present::end(&board, started.elapsed(), ui))
}
