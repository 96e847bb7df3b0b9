//! `flex doctor`.

use std::time::Duration;

use clap::Args;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Checks every link of the chain, from this machine's network and clock to the destination bucket, and says of each whether \
it is ok, a warning, broken, or not checked and why; what is broken comes with the manual's step and with the commands \
that mend it. Nothing is changed, and nothing is copied without --write-probe.

The base identity may look at little. With --owner-profile, an identity of your own account, the bucket's settings and \
policy are read, too, and a refused role is explained; `flex setup --print-permissions` lists the rights that it needs.

The exit code is 0 when nothing is broken, else 3. --json holds no secret, and is what support needs.")]
pub(crate) struct DoctorArgs {
    /// Also copy the smallest licensed object of the sample under its own key, and verify it
    #[arg(long)]
    pub(crate) write_probe: bool,
    /// Seconds that one check may take; the whole run takes three times as long at most
    #[arg(long, hide = true, value_name = "SECONDS", default_value = "10", value_parser = parse_seconds)]
    pub(crate) deadline: Duration,
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|time| !time.is_zero() && *time <= Duration::from_secs(600))
        .ok_or_else(|| "expected more than 0 and at most 600 seconds".to_owned())
}
