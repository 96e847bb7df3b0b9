//! Which role an ARN was meant to be.

use super::condition::ACL_KEY;
use super::kind::RolePart;
use super::pattern::distance;
use super::view::{Element, Item, View};
use crate::{COPY_ROLE_PREFIX, RoleArn, RoleArnError};

/// Keys of which a fixed value makes a statement for everybody one for somebody.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
const FIXING_KEYS: [&str; 13] = [
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceorgid",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceip",
    "aws:vpcsourceip",
    "aws:userid",
    "s3:dataaccesspointarn",
];

/// Whom a principal element lets in, as far as the copy role is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    Nobody,
    /// Some sessions of the role.
    Session,
    /// The role by itself.
    Role,
    /// The account of the role.
    Account,
    Everybody,
}

pub(super) fn reach(element: &Element<'_>, role: &RoleArn) -> Reach {
    element.values.iter().map(|item| reach_of(item, role)).max().unwrap_or(Reach::Nobody)
}

fn reach_of(item: &Item<'_>, role: &RoleArn) -> Reach {
    if !matches!(item.kind, "" | "AWS") {
        return Reach::Nobody;
    }
    let account = role.account();
    if item.text == "*" {
        Reach::Everybody
    } else if item.text == role.to_string() {
        Reach::Role
    } else if item.text == account.as_str() || item.text == format!("arn:aws:iam::{account}:root") {
        Reach::Account
    } else if is_session_of(item.text, role) {
        Reach::Session
    } else {
        Reach::Nobody
    }
}

fn is_session_of(text: &str, role: &RoleArn) -> bool {
    text.starts_with(&format!("arn:aws:sts::{}:assumed-role/{}/", role.account(), role.role_name()))
}

/// The id that AWS shows for a principal that was deleted.
pub(super) fn is_dead(text: &str) -> bool {
    ["AROA", "AIDA", "AIPA", "ANPA"].iter().any(|kind| text.starts_with(kind))
        && text.len() >= 16
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// Whether a text looks like an attempt at the copy role.
pub(super) fn is_near(text: &str, role: &RoleArn) -> bool {
    let lower = text.to_lowercase();
    let expected = role.to_string();
    lower.contains(&COPY_ROLE_PREFIX.trim_end_matches('_').to_lowercase())
        || distance(text.trim(), &expected) <= expected.len() / 8
        || text
            .rsplit(['/', ':'])
            .next()
            .is_some_and(|name| distance(name, role.role_name()) <= (role.role_name().len() / 4).min(4))
}

/// The part by which an ARN fails to be the role's.
pub(super) fn wrong_part(text: &str, role: &RoleArn) -> RolePart {
    let subscriber = |name: &str| name.rsplit('_').next().map(str::to_owned).unwrap_or_default();
    if text.contains(['*', '?']) {
        return RolePart::Wildcard;
    }
    if !is_near(text, role) {
        return RolePart::Everything;
    }
    match text.parse::<RoleArn>() {
        Err(RoleArnError::Session { .. }) => RolePart::Session,
        Err(RoleArnError::Partition { .. }) => RolePart::Partition,
        Err(RoleArnError::Account(_)) => RolePart::Account,
        Err(RoleArnError::Name { .. }) => RolePart::Name,
        Err(_) => RolePart::Form,
        Ok(found) if found.account() != role.account() => RolePart::Account,
        Ok(found) => {
            let (ours, theirs) = (role.role_name(), found.role_name());
            let (our_id, their_id) = (subscriber(ours), subscriber(theirs));
            let name_is_ours = ours.strip_suffix(our_id.as_str()) == theirs.strip_suffix(their_id.as_str());
            if name_is_ours && our_id != their_id { RolePart::Subscriber } else { RolePart::Name }
        }
    }
}

/// Keys of the way that a request takes: from the right place anybody may meet a condition on them.
const NETWORK_KEYS: [&str; 4] = ["aws:sourcevpc", "aws:sourcevpce", "aws:sourceip", "aws:vpcsourceip"];

/// Whether a statement for everybody is by its conditions one for somebody.
pub(super) fn is_fixed(view: &View<'_>) -> bool {
    view.conditions.iter().any(|condition| {
        let key = condition.key.to_ascii_lowercase();
        let positive = !condition.operator.contains("Not") && !condition.operator.ends_with("IfExists");
        positive && FIXING_KEYS.contains(&key.as_str()) && condition.operator != "Null"
    })
}

/// Whether a statement for everybody is by its conditions one for others than the copy role: for an organisation, say, of
/// which nobody knows here that the role is in it.
pub(super) fn is_for_others(view: &View<'_>) -> bool {
    let of_copies = |key: &str| key == ACL_KEY || NETWORK_KEYS.contains(&key);
    view.conditions.iter().any(|condition| !of_copies(&condition.key.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrong_part_is_named() {
        let role = "arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_012345678901".parse().expect("a role");
        for (text, want) in [
            ("arn:aws:iam::461810399579:role/JeuServiceRoleForS3Copy_012345678901", RolePart::Account),
            ("arn:aws:iam::46181039959:role/JeuServiceRoleForS3Copy_012345678901", RolePart::Account),
            ("arn:aws:iam::012345678901:role/JeuServiceRoleForS3Copy_012345678901", RolePart::Account),
            ("arn:aws:iam::461810399597:role/JeuServiceRoleForS3copy_012345678901", RolePart::Name),
            ("arn:aws:iam::461810399597:role/JeuServiceRoleS3Copy_012345678901", RolePart::Name),
            ("arn:aws:iam::461810399597:role/x/JeuServiceRoleForS3Copy_012345678901", RolePart::Name),
            ("arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_012345678910", RolePart::Subscriber),
            ("arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_12345678901", RolePart::Subscriber),
            ("arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_", RolePart::Subscriber),
            ("arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy", RolePart::Name),
            ("arn:aws:iam:461810399597:role/JeuServiceRoleForS3Copy_012345678901", RolePart::Form),
            ("arn:aws:iam::461810399597:user/JeuServiceRoleForS3Copy_012345678901", RolePart::Form),
            ("arn:aws:iam::461810399597:JeuServiceRoleForS3Copy_012345678901", RolePart::Form),
            (" arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_012345678901", RolePart::Form),
            ("arn:aws-cn:iam::461810399597:role/JeuServiceRoleForS3Copy_012345678901", RolePart::Partition),
            ("arn:aws:sts::461810399597:assumed-role/JeuServiceRoleForS3Copy_012345678901/flex", RolePart::Session),
            ("arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_*", RolePart::Wildcard),
            ("arn:aws:iam::012345678901:user/somebody", RolePart::Everything),
        ] {
            assert_eq!(wrong_part(text, &role), want, "{text}");
        }
        assert!(is_dead("AROAJMQ4EXAMPLE7ABCDE") && !is_dead("AROAD") && !is_dead("arn:aws:iam::461810399597:root"));
    }
}
