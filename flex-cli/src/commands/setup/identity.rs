//! The user or role that may assume the copy role: the manual's step 1-4.

use flex_policy::{
    ASSUME_ROLE_POLICY_NAME, IamName, RoleArn, ServiceTrust,
    aws::{Entity, Failure, FailureKind, Found, IdentitySetup, KnownKey, Reading, trusts_service},
    merge_assume_role_policy,
};

use super::step::{Line, Outcome, Plan, Step};
use crate::{args::WantedIdentity, error::chain, language::msg};

/// A change in IAM.
#[derive(Clone, Debug)]
pub(super) enum Change {
    CreateUser,
    CreateRole(ServiceTrust),
    InstanceProfile { create: bool },
    PutPolicy(String),
}

/// What IAM has of the identity.
pub(super) struct State {
    found: Reading<Found>,
    policy: Reading<String>,
    profile: Option<Reading<Vec<String>>>,
    /// Of a user for whom a key is wanted.
    pub(super) keys: Option<Reading<Vec<KnownKey>>>,
}

/// Who it is; none with `--identity none`.
pub(super) fn entity(wanted: &WantedIdentity) -> Option<(Entity<'_>, &IamName)> {
    match wanted {
        WantedIdentity::None => None,
        WantedIdentity::User(name) => Some((Entity::User(name.as_str()), name)),
        WantedIdentity::ExistingRole(name) | WantedIdentity::ServiceRole(_, name) => {
            Some((Entity::Role(name.as_str()), name))
        }
    }
}

pub(super) async fn read(setup: &IdentitySetup, wanted: &WantedIdentity, keys: bool) -> Option<State> {
    let (entity, name) = entity(wanted)?;
    let name = name.as_str();
    let profile = async {
        match wanted {
            WantedIdentity::ServiceRole(service, _) if service.needs_instance_profile() => {
                Some(setup.instance_profile(name).await)
            }
            _ => None,
        }
    };
    let keys = async { if keys { Some(setup.access_keys(name).await) } else { None } };
    let policy = setup.policy(entity, ASSUME_ROLE_POLICY_NAME);
    let (found, policy, profile, keys) = futures::join!(setup.find(entity), policy, profile, keys);
    Some(State { found, policy, profile, keys })
}

/// Whether the policy, the profile and the key have somebody to be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    There,
    ToBeMade,
    Unusable,
}

pub(super) fn plan(wanted: &WantedIdentity, state: &State, role: &RoleArn) -> (Vec<Plan<Change>>, Standing) {
    let Some((_, name)) = entity(wanted) else { return (Vec::new(), Standing::Unusable) };
    let (own, standing) = own(wanted, name, &state.found);
    let mut plans = vec![own];
    let skipped = |step| Plan::Settled(Line::new(step, Outcome::Skipped, msg!("setup-needs-identity")));
    plans.push(match standing {
        Standing::Unusable => skipped(Step::AssumeRolePolicy),
        Standing::ToBeMade => assume_policy(&Reading::Absent, role),
        Standing::There => assume_policy(&state.policy, role),
    });
    if let Some(profile) = &state.profile {
        plans.push(match standing {
            Standing::Unusable => skipped(Step::InstanceProfile),
            _ => instance_profile(name, profile),
        });
    }
    (plans, standing)
}

fn own(wanted: &WantedIdentity, name: &IamName, found: &Reading<Found>) -> (Plan<Change>, Standing) {
    match (wanted, found) {
        (_, Reading::Denied(failure) | Reading::Failed(failure)) => {
            let line = Line::of_failure(Step::Identity, msg!("setup-identity-not-read", name = name), failure);
            (Plan::Settled(line), Standing::Unusable)
        }
        (WantedIdentity::ServiceRole(service, _), Reading::Known(role)) => {
            if role.trust.as_deref().is_some_and(|trust| trusts_service(trust, service.principal())) {
                return (Plan::right(Step::Identity, msg!("setup-role", arn = &role.arn)), Standing::There);
            }
            // Somebody else takes this role; who may, is not flex's to say.
            let what = msg!("setup-role-not-trusting", arn = &role.arn, service = service.principal());
            let line = Line::new(Step::Identity, Outcome::Left, what).mend(msg!("setup-mend-trust"));
            (Plan::Settled(line), Standing::Unusable)
        }
        (WantedIdentity::User(_), Reading::Known(user)) => {
            (Plan::right(Step::Identity, msg!("setup-user", arn = &user.arn)), Standing::There)
        }
        (_, Reading::Known(role)) => {
            (Plan::right(Step::Identity, msg!("setup-role", arn = &role.arn)), Standing::There)
        }
        (WantedIdentity::ServiceRole(service, _), Reading::Absent) => {
            let what = msg!("setup-role-new", name = name, service = service.principal());
            (Plan::change(Step::Identity, what, Change::CreateRole(*service)), Standing::ToBeMade)
        }
        (WantedIdentity::User(_), Reading::Absent) => {
            let what = msg!("setup-user-new", name = name);
            (Plan::change(Step::Identity, what, Change::CreateUser), Standing::ToBeMade)
        }
        (_, Reading::Absent) => {
            let line = Line::blocked(Step::Identity, msg!("setup-role-absent", name = name));
            (Plan::Settled(line.mend(msg!("setup-mend-role-kind"))), Standing::Unusable)
        }
    }
}

fn assume_policy(current: &Reading<String>, role: &RoleArn) -> Plan<Change> {
    let step = Step::AssumeRolePolicy;
    let current = match current {
        Reading::Known(text) => Some(text.as_str()),
        Reading::Absent => None,
        Reading::Denied(failure) | Reading::Failed(failure) => {
            return Plan::Settled(Line::of_failure(step, msg!("setup-not-read"), failure));
        }
    };
    match merge_assume_role_policy(current, role) {
        Ok(merged) if !merged.changed() => {
            Plan::right(step, msg!("setup-assume-right", policy = ASSUME_ROLE_POLICY_NAME))
        }
        Ok(merged) => {
            let what = msg!("setup-assume-put", policy = ASSUME_ROLE_POLICY_NAME, role = role);
            let line = Line::new(step, Outcome::NotDone, what).difference(merged.difference());
            Plan::Change(line, Change::PutPolicy(merged.policy))
        }
        Err(error) => Plan::Settled(
            Line::blocked(step, msg!("setup-policy-unreadable")).error(chain(&error)).mend(msg!("setup-mend-policy")),
        ),
    }
}

fn instance_profile(name: &IamName, found: &Reading<Vec<String>>) -> Plan<Change> {
    let step = Step::InstanceProfile;
    let change =
        |create| Plan::change(step, msg!("setup-profile-new", name = name), Change::InstanceProfile { create });
    match found {
        Reading::Known(roles) if roles.iter().any(|role| role == name.as_str()) => {
            Plan::right(step, msg!("setup-profile-right", name = name))
        }
        Reading::Known(roles) => match roles.first() {
            // It can hold only one.
            Some(other) => Plan::Settled(
                Line::new(step, Outcome::Left, msg!("setup-profile-other", name = name, other = other))
                    .mend(msg!("setup-mend-profile")),
            ),
            None => change(false),
        },
        Reading::Absent => change(true),
        Reading::Denied(failure) | Reading::Failed(failure) => {
            Plan::Settled(Line::of_failure(step, msg!("setup-not-read"), failure))
        }
    }
}

/// Carries a change out. Nothing is lost when what was to be made has come into being meanwhile.
pub(super) async fn carry_out(setup: &IdentitySetup, wanted: &WantedIdentity, line: Line, change: &Change) -> Line {
    let Some((entity, name)) = entity(wanted) else { return line };
    let name = name.as_str();
    let exists_is_fine = |done: Result<(), Failure>| match done {
        Err(failure) if failure.kind() == FailureKind::Exists => Ok(()),
        done => done,
    };
    let done = match change {
        Change::CreateUser => exists_is_fine(setup.create_user(name).await),
        Change::CreateRole(service) => exists_is_fine(setup.create_role(name, &service.trust_policy()).await),
        Change::PutPolicy(text) => setup.put_policy(entity, ASSUME_ROLE_POLICY_NAME, text).await,
        Change::InstanceProfile { create } => {
            let made = if *create { exists_is_fine(setup.create_instance_profile(name).await) } else { Ok(()) };
            match made {
                Ok(()) => setup.add_to_instance_profile(name, name).await,
                failed => failed,
            }
        }
    };
    match done {
        Ok(()) => line.with(Outcome::Done),
        Err(failure) => Line::of_failure(line.step(), line.what().clone(), &failure),
    }
}
