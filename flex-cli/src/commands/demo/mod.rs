//! `flex demo`: the manual's steps against the sandbox, in a build that has it.

#[cfg(feature = "demo")]
mod journey;

use crate::{error::Stop, exit::Exit, present::Ui};

#[cfg(not(feature = "demo"))]
pub(super) async fn run(_ui: &mut Ui) -> Result<Exit, Stop> {
    Err(Stop::text(Exit::Usage, "this flex was built without the demo, which brings a whole sandbox with it")
        .mend(crate::language::msg!("demo-build")))
}

#[cfg(feature = "demo")]
pub(super) async fn run(ui: &mut Ui) -> Result<Exit, Stop> {
    journey::run(ui).await
}
