//! An access key for the user, when one is asked for: where it goes is made ready before it is made.

use flex_policy::aws::{FailureKind, IdentitySetup, KnownKey, NewKey, Reading};
use serde::Serialize;

use super::{
    identity::Standing,
    key_file::{self, Place, Ready},
    step::{Line, Outcome, Plan, Step},
};
use crate::{args::SetupArgs, error::chain, language::msg, present::Ui};

/// AWS's limit.
const KEYS_OF_A_USER: usize = 2;

/// Where a key is to go.
#[derive(Clone, Debug)]
pub(super) enum Target {
    File(Place),
    Print,
}

impl Target {
    /// What was asked for.
    pub(super) fn of(args: &SetupArgs) -> Option<Self> {
        if args.access_key {
            Some(Self::File(Place::Profile(args.key_profile.clone())))
        } else if let Some(path) = &args.access_key_csv {
            Some(Self::File(Place::Csv(path.clone())))
        } else {
            args.print_access_key.then_some(Self::Print)
        }
    }
}

/// What is to be done about the key. Nothing is made that has nowhere to go.
pub(super) fn plan(
    target: Target,
    user: &str,
    keys: Option<&Reading<Vec<KnownKey>>>,
    standing: Standing,
) -> Plan<Target> {
    let step = Step::AccessKey;
    let none = Vec::new();
    let keys = match (standing, keys) {
        (Standing::Unusable, _) => {
            return Plan::Settled(Line::new(step, Outcome::Skipped, msg!("setup-needs-identity")));
        }
        (_, Some(Reading::Known(keys))) => keys,
        (_, Some(Reading::Denied(failure) | Reading::Failed(failure))) => {
            return Plan::Settled(Line::of_failure(step, msg!("setup-key-not-read"), failure));
        }
        (_, Some(Reading::Absent) | None) => &none,
    };
    if let Target::File(place) = &target {
        match key_file::look(place) {
            Ok(None) => {}
            Ok(Some(found)) => {
                let active = |id: &String| keys.iter().any(|key| key.active && key.id == *id);
                if let Some(id) = found.key_id.as_ref().filter(|id| active(id)) {
                    return Plan::right(step, msg!("setup-key-there", id = id, place = place, user = user));
                }
                let line = Line::blocked(step, msg!("setup-key-place-taken", place = place, file = found.file));
                return Plan::Settled(line.mend(match place {
                    Place::Profile(_) => msg!("setup-mend-key-profile"),
                    Place::Csv(_) => msg!("setup-mend-key-csv"),
                }));
            }
            Err(error) => {
                let line = Line::blocked(step, msg!("setup-key-place-unusable", place = place));
                return Plan::Settled(line.error(chain(&error)));
            }
        }
    }
    if keys.len() >= KEYS_OF_A_USER {
        let ids: Vec<_> = keys.iter().map(|key| key.id.as_str()).collect();
        let line = Line::blocked(step, msg!("setup-key-two", user = user, ids = ids.join(", ")));
        let unused = keys.iter().find(|key| !key.active).unwrap_or(&keys[0]);
        return Plan::Settled(line.mend(msg!("setup-mend-key-two", user = user, id = &unused.id)));
    }
    let what = match &target {
        Target::File(place) => msg!("setup-key-new", user = user, place = place),
        Target::Print => msg!("setup-key-print", user = user),
    };
    Plan::change(step, what, target)
}

#[derive(Serialize)]
struct KeyEvent<'a> {
    user: &'a str,
    access_key_id: &'a str,
    secret_access_key: &'a str,
}

/// Makes the key and hands it over. One that cannot be handed over is deleted again.
pub(super) async fn carry_out(setup: &IdentitySetup, user: &str, line: Line, target: Target, ui: &mut Ui) -> Line {
    let what = line.what().clone();
    let place = match &target {
        Target::File(place) => Some(place),
        Target::Print => None,
    };
    let ready = match place.map(Ready::prepare).transpose() {
        Ok(ready) => ready,
        Err(error) => return Line::blocked(Step::AccessKey, what).error(chain(&error)),
    };
    let key = match setup.create_access_key(user).await {
        Ok(key) => key,
        Err(failure) => {
            let line = Line::of_failure(Step::AccessKey, what, &failure);
            return match failure.kind() {
                // The answer may have been lost on its way, and the secret with it.
                FailureKind::NoAnswer => line.mend(msg!("setup-mend-key-lost", user = user)),
                _ => line,
            };
        }
    };
    let Some(ready) = ready else {
        print(ui, user, &key);
        return line.with(Outcome::Done);
    };
    let Err(error) = ready.write(&key.id, key.secret()) else {
        return match place {
            Some(Place::Profile(name)) => line.with(Outcome::Done).hint(msg!("setup-key-use", profile = name)),
            _ => line.with(Outcome::Done),
        };
    };
    let line = Line::blocked(Step::AccessKey, what).error(chain(&error));
    match setup.delete_access_key(user, &key.id).await {
        Ok(()) => line.hint(msg!("setup-key-deleted", id = key.id)),
        Err(_) => line.mend(msg!("setup-mend-key-delete", user = user, id = key.id)),
    }
}

/// The one place where a secret is shown, because somebody asked for it.
fn print(ui: &mut Ui, user: &str, key: &NewKey) {
    if ui.json {
        let event = KeyEvent { user, access_key_id: &key.id, secret_access_key: key.secret() };
        ui.event("access-key", event);
    } else {
        ui.line(format_args!("aws_access_key_id = {}", key.id));
        ui.line(format_args!("aws_secret_access_key = {}", key.secret()));
    }
    ui.flush();
}
