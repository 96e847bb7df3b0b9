//! The identity's steps, with IAM or, in a build without it, as commands.

use flex_policy::RoleArn;

use super::step::{Line, Outcome};
use crate::{args::SetupArgs, clients::Base, commands::Job, config::Settings, error::Stop, present::Ui};

#[cfg(feature = "iam")]
pub(super) use live::{People, Plans};
#[cfg(not(feature = "iam"))]
pub(super) use printed::{People, Plans};

#[cfg(feature = "iam")]
mod live {
    use flex_policy::aws::IdentitySetup;

    use super::{super::*, *};
    use crate::{
        args::WantedIdentity,
        commands::setup::{identity, key},
    };

    pub(in super::super) struct People {
        setup: IdentitySetup,
        wanted: WantedIdentity,
        key: Option<key::Target>,
    }

    pub(in super::super) struct Plans {
        steps: Vec<Plan<identity::Change>>,
        key: Option<Plan<key::Target>>,
    }

    impl People {
        pub(in super::super) async fn connect(
            base: &Base,
            settings: &Settings,
            args: &SetupArgs,
        ) -> Result<Self, Stop> {
            let iam = aws_sdk_iam::Client::new(&base.owner_iam(settings).await?);
            let key = key::Target::of(args);
            Ok(Self { setup: IdentitySetup::new(&iam), wanted: args.identity.clone(), key })
        }

        pub(in super::super) async fn read(&self) -> Option<identity::State> {
            let keys = self.key.is_some() && matches!(self.wanted, WantedIdentity::User(_));
            identity::read(&self.setup, &self.wanted, keys).await
        }

        pub(in super::super) fn plan(&self, found: Option<identity::State>, role: &RoleArn) -> Plans {
            let (steps, standing) = match &found {
                Some(found) => identity::plan(&self.wanted, found, role),
                None => {
                    let line = Line::new(Step::Identity, Outcome::Skipped, msg!("setup-identity-none"));
                    (vec![Plan::Settled(line)], identity::Standing::Unusable)
                }
            };
            let keys = found.as_ref().and_then(|found| found.keys.as_ref());
            let key = match (&self.key, &self.wanted) {
                (Some(target), WantedIdentity::User(user)) => {
                    Some(key::plan(target.clone(), user.as_str(), keys, standing))
                }
                _ => None,
            };
            Plans { steps, key }
        }

        pub(in super::super) async fn carry_out(
            &self,
            job: &mut Job<'_>,
            plans: Plans,
            tally: &mut Tally,
        ) -> Result<(), Stop> {
            let mut usable = true;
            for plan in plans.steps {
                go_on(job)?;
                let line = match plan {
                    Plan::Settled(line) => line,
                    Plan::Change(line, _) if !usable => needs_identity(line),
                    Plan::Change(line, change) => {
                        let line = identity::carry_out(&self.setup, &self.wanted, line, &change).await;
                        usable &= line.step() != Step::Identity || line.outcome() == Outcome::Done;
                        line
                    }
                };
                tally.tell(job.ui, &line);
            }
            let Some(plan) = plans.key else { return Ok(()) };
            go_on(job)?;
            let line = match (plan, &self.wanted) {
                (Plan::Settled(line), _) => line,
                (Plan::Change(line, target), WantedIdentity::User(user)) if usable => {
                    key::carry_out(&self.setup, user.as_str(), line, target, job.ui).await
                }
                (Plan::Change(line, _), _) => needs_identity(line),
            };
            tally.tell(job.ui, &line);
            Ok(())
        }

        pub(in super::super) fn commands(&self, _: &mut Ui, _: &RoleArn) {}
    }

    fn needs_identity(line: Line) -> Line {
        Line::new(line.step(), Outcome::Skipped, msg!("setup-needs-identity"))
    }

    impl Plans {
        pub(in super::super) fn is_change(&self) -> bool {
            self.steps.iter().any(Plan::is_change) || self.key.as_ref().is_some_and(Plan::is_change)
        }

        pub(in super::super) fn undone(&self, outcome: Outcome) -> impl Iterator<Item = Line> {
            let key = self.key.iter().map(move |plan| plan.undone(outcome));
            self.steps.iter().map(move |plan| plan.undone(outcome)).chain(key)
        }

        pub(in super::super) fn changes(&self) -> impl Iterator<Item = &Line> {
            let steps = self.steps.iter().filter(|plan| plan.is_change()).map(Plan::line);
            steps.chain(self.key.iter().filter(|plan| plan.is_change()).map(Plan::line))
        }
    }
}

#[cfg(not(feature = "iam"))]
mod printed {
    use flex_policy::{ASSUME_ROLE_POLICY_NAME, IamName, assume_role_policy};

    use super::{super::*, *};
    use crate::args::WantedIdentity;

    pub(in super::super) struct People {
        wanted: WantedIdentity,
        key: bool,
    }

    pub(in super::super) struct Plans(Vec<Line>);

    impl People {
        pub(in super::super) async fn connect(_: &Base, _: &Settings, args: &SetupArgs) -> Result<Self, Stop> {
            let key = args.access_key || args.access_key_csv.is_some() || args.print_access_key;
            Ok(Self { wanted: args.identity.clone(), key })
        }

        pub(in super::super) async fn read(&self) {}

        pub(in super::super) fn plan(&self, (): (), _: &RoleArn) -> Plans {
            if self.wanted == WantedIdentity::None {
                return Plans(vec![Line::new(Step::Identity, Outcome::Skipped, msg!("setup-identity-none"))]);
            }
            let mut lines = vec![Line::new(Step::Identity, Outcome::Left, msg!("setup-without-iam"))];
            if self.key {
                lines.push(Line::new(Step::AccessKey, Outcome::Left, msg!("setup-without-iam")));
            }
            Plans(lines)
        }

        pub(in super::super) async fn carry_out(
            &self,
            job: &mut Job<'_>,
            plans: Plans,
            tally: &mut Tally,
        ) -> Result<(), Stop> {
            for line in plans.0 {
                tally.tell(job.ui, &line);
            }
            Ok(())
        }

        /// The same as flex would do. Run twice, they change nothing more; the ones that create say what is there.
        pub(in super::super) fn commands(&self, ui: &mut Ui, role: &RoleArn) {
            let lines = commands(&self.wanted, role, self.key);
            if ui.json && !lines.is_empty() {
                ui.event("commands", Commands { commands: &lines });
                return;
            }
            for line in lines {
                ui.line(line);
            }
        }
    }

    #[derive(Serialize)]
    struct Commands<'a> {
        commands: &'a [String],
    }

    impl Plans {
        pub(in super::super) fn is_change(&self) -> bool {
            false
        }

        pub(in super::super) fn undone(&self, _: Outcome) -> impl Iterator<Item = Line> {
            self.0.iter().cloned()
        }

        pub(in super::super) fn changes(&self) -> impl Iterator<Item = &Line> {
            std::iter::empty()
        }
    }

    fn commands(wanted: &WantedIdentity, role: &RoleArn, key: bool) -> Vec<String> {
        let put = |kind: &str, name: &IamName| {
            let document = single_quoted(&assume_role_policy(role).to_string());
            format!(
                "aws iam put-{kind}-policy --{kind}-name {name} --policy-name {ASSUME_ROLE_POLICY_NAME} \
                 --policy-document {document}"
            )
        };
        match wanted {
            WantedIdentity::None => Vec::new(),
            WantedIdentity::User(name) => {
                let mut lines = vec![format!("aws iam create-user --user-name {name}"), put("user", name)];
                lines.extend(key.then(|| format!("aws iam create-access-key --user-name {name}")));
                lines
            }
            WantedIdentity::ExistingRole(name) => vec![put("role", name)],
            WantedIdentity::ServiceRole(service, name) => {
                let trust = single_quoted(&service.trust_policy());
                let create = format!("aws iam create-role --role-name {name} --assume-role-policy-document {trust}");
                let mut lines = vec![create, put("role", name)];
                if service.needs_instance_profile() {
                    lines.push(format!("aws iam create-instance-profile --instance-profile-name {name}"));
                    lines.push(format!(
                        "aws iam add-role-to-instance-profile --instance-profile-name {name} --role-name {name}"
                    ));
                }
                lines
            }
        }
    }

    fn single_quoted(text: &str) -> String {
        format!("'{}'", text.replace('\'', r"'\''"))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn each_identity_has_its_commands() {
            let role: RoleArn =
                "arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_123456789012".parse().expect("a role");
            let of = |wanted: &str, key| commands(&wanted.parse().expect("an identity"), &role, key).join("\n");
            assert_eq!(of("none", true), "");
            let user = of("user:u", true);
            for text in ["create-user --user-name u", "put-user-policy", "sts:AssumeRole", "create-access-key"] {
                assert!(user.contains(text), "{user}");
            }
            assert!(!of("user:u", false).contains("create-access-key"));
            assert!(!of("role:r", false).contains("create-role"));
            let ec2 = of("ec2:r", false);
            assert!(ec2.contains("ec2.amazonaws.com") && ec2.contains("add-role-to-instance-profile"), "{ec2}");
            assert!(of("batch:r", false).contains("ecs-tasks.amazonaws.com"));
        }
    }
}
