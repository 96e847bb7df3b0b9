use super::condition::{ACL_KEY, Answer, Context, OWNER_ACL, Request, Sse};
use super::kind::{FindingKind, RolePart};
use super::pattern::{Cover, Target, covers, fits, meant};
use super::principal::{self, Reach};
use super::view::{Element, View};
use super::{Finding, error, findings_in, shape, warning};
use crate::text::PolicyText;
use crate::{BUCKET_POLICY_LIMIT, BUCKET_POLICY_SIDS, BucketName, LIST_SID, PUT_SID, RoleArn};

/// What is wrong with a bucket's policy for copies by a role. A text that is not JSON is a finding, too; where it can be
/// seen what was meant, the rest is looked at all the same.
///
/// No finding of [`Severity::Error`](super::Severity) means that AWS takes the policy and that it allows all that a copy
/// does.
///
/// Whether copies ask for an encryption of their own is not known here: see [`check_bucket_policy_as_sent`].
pub fn check_bucket_policy(text: &str, role: &RoleArn, bucket: &BucketName) -> Vec<Finding> {
    check_with(text, role, bucket, Sse::Unknown)
}

/// The same for copies of which it is known what they are sent with: the header `x-amz-server-side-encryption` with this
/// value, or without it. The bucket's default encryption does not meet a condition on the header.
pub fn check_bucket_policy_as_sent(
    text: &str,
    role: &RoleArn,
    bucket: &BucketName,
    encryption: Option<&str>,
) -> Vec<Finding> {
    check_with(text, role, bucket, encryption.map_or(Sse::Absent, Sse::Sent))
}

fn check_with(text: &str, role: &RoleArn, bucket: &BucketName, sse: Sse<'_>) -> Vec<Finding> {
    findings_in(text, |policy| {
        let statements = policy.statements();
        let views = statements.iter().map(|(path, node)| View::of(policy.text, path, node)).collect();
        let mut findings = shape::check(policy, shape::Sort::Bucket);
        if policy.text.len() > BUCKET_POLICY_LIMIT {
            let kind = FindingKind::TooLarge { bytes: policy.text.len(), limit: BUCKET_POLICY_LIMIT };
            findings.push(error("$", kind));
        }
        findings.extend(Check { role, bucket, sse, views }.findings(policy));
        findings
    })
}

/// A right that a copy needs.
struct Need {
    request: Request,
    sid: &'static str,
    action: &'static str,
}

const NEEDS: [Need; 3] = [
    Need { request: Request::List, sid: LIST_SID, action: "s3:ListBucket" },
    Need { request: Request::Put, sid: PUT_SID, action: "s3:PutObject" },
    Need { request: Request::Put, sid: PUT_SID, action: "s3:PutObjectAcl" },
];

/// Names that are taken for actions: API calls, mostly.
const NOT_ACTIONS: [(&str, &str); 8] = [
    ("s3:ListObjects", "s3:ListBucket"),
    ("s3:ListObjectsV2", "s3:ListBucket"),
    ("s3:HeadBucket", "s3:ListBucket"),
    ("s3:CopyObject", "s3:PutObject"),
    ("s3:CreateMultipartUpload", "s3:PutObject"),
    ("s3:UploadPart", "s3:PutObject"),
    ("s3:UploadPartCopy", "s3:PutObject"),
    ("s3:CompleteMultipartUpload", "s3:PutObject"),
];

/// Real actions that are spelt much like the needed ones.
const NEIGHBOURS: [&str; 10] = [
    "s3:GetObject",
    "s3:GetObjectAcl",
    "s3:PutBucketAcl",
    "s3:GetBucketAcl",
    "s3:ListBucketVersions",
    "s3:ListBuckets",
    "s3:PutObjectTagging",
    "s3:PutObjectVersionAcl",
    "s3:DeleteObject",
    "s3:PutObjectRetention",
];

struct Check<'a> {
    role: &'a RoleArn,
    bucket: &'a BucketName,
    sse: Sse<'a>,
    views: Vec<View<'a>>,
}

impl Check<'_> {
    fn findings(&self, policy: &PolicyText<'_>) -> Vec<Finding> {
        let mut out = Vec::new();
        for view in &self.views {
            self.resources(view, &mut out);
            self.principals(view, &mut out);
            self.control(view, &mut out);
        }
        if policy.root.get("Statement").is_some() {
            self.rights(&mut out);
        }
        for view in self.views.iter().filter(|view| view.deny) {
            out.extend(self.deny(view));
        }
        out
    }

    fn target(&self, request: Request) -> Target {
        match request {
            Request::List => Target::One(self.bucket.arn()),
            _ => Target::Objects(self.bucket.arn()),
        }
    }

    fn context(&self) -> Context<'_> {
        Context { role: self.role, acl: OWNER_ACL, sse: self.sse }
    }

    fn reach(&self, view: &View<'_>) -> Reach {
        match &view.principal {
            None => Reach::Nobody,
            Some(element) if element.not => match principal::reach(element, self.role) {
                Reach::Nobody | Reach::Session => Reach::Everybody,
                _ => Reach::Nobody,
            },
            Some(element) => principal::reach(element, self.role),
        }
    }

    /// Whether a statement was meant for the copy role.
    fn is_ours(&self, view: &View<'_>) -> bool {
        let near = view.principal.as_ref().is_some_and(|element| {
            !element.not && element.values.iter().any(|item| principal::is_near(item.text, self.role))
        });
        // Beside somebody who lives the dead one may have been anybody.
        let dead = view.principal.as_ref().is_some_and(|element| {
            !element.values.is_empty() && element.values.iter().all(|item| principal::is_dead(item.text))
        });
        let named = || NEEDS.iter().any(|need| names(view, need.action));
        let reached = || match self.reach(view) {
            Reach::Nobody => false,
            Reach::Everybody => view.conditions.iter().all(|c| c.key.eq_ignore_ascii_case(ACL_KEY)),
            _ => true,
        };
        view.allow && (has_our_sid(view) || near || (named() && (dead || reached())))
    }

    /// ARNs that S3 refuses wherever they stand.
    fn resources(&self, view: &View<'_>, out: &mut Vec<Finding>) {
        for item in view.resource.iter().flat_map(|element| &element.values) {
            let found = item.text.to_owned();
            if let Some(meant) = mended_arn(item.text, self.bucket) {
                out.push(error(&item.path, FindingKind::MalformedArn { found, meant }));
            } else if let Some(rest) = item.text.strip_prefix("arn:aws:s3:::") {
                let name = rest.split('/').next().unwrap_or_default();
                if !fits(name, self.bucket.as_str()) {
                    let expected = format!("{}{}", self.bucket.arn(), &rest[name.len()..]);
                    out.push(error(&item.path, FindingKind::OtherBucket { found, expected }));
                }
            }
        }
    }

    fn principals(&self, view: &View<'_>, out: &mut Vec<Finding>) {
        let Some(element) = &view.principal else { return };
        let ours = self.is_ours(view);
        let expected = || self.role.to_string();
        for item in &element.values {
            let found = item.text.to_owned();
            if principal::is_dead(item.text) {
                let kind = FindingKind::DeadPrincipal { found, expected: expected() };
                let severity = if ours { error } else { warning };
                out.push(severity(&item.path, kind));
            } else if view.allow && !element.not && item.text != expected() && principal::is_near(item.text, self.role)
            {
                let part = principal::wrong_part(item.text, self.role);
                // One bucket may serve two subscribers.
                let beside = part == RolePart::Subscriber && !has_our_sid(view) && self.gives_all();
                let severity = if beside { warning } else { error };
                out.push(severity(&item.path, FindingKind::WrongPrincipal { part, found, expected: expected() }));
            }
        }
        if !view.allow {
            return;
        }
        match self.reach(view) {
            Reach::Everybody if !principal::is_fixed(view) => {
                let everybody = element.values.iter().find(|item| item.text == "*");
                let path = everybody.map_or(&element.path, |item| &item.path);
                let severity = if ours { error } else { warning };
                out.push(severity(path, FindingKind::PublicPrincipal));
            }
            Reach::Account if ours => {
                let account = element.values.iter().find(|item| item.text.contains(self.role.account().as_str()));
                if let Some(item) = account {
                    out.push(warning(&item.path, FindingKind::BroadPrincipal { found: item.text.to_owned() }));
                }
            }
            _ => {}
        }
    }

    /// Whether a statement lets the role put objects that the owner does not control.
    fn control(&self, view: &View<'_>, out: &mut Vec<Finding>) {
        let put = &NEEDS[1];
        let private = Context { acl: "private", ..self.context() };
        if view.allow
            && matches!(self.reach(view), Reach::Role | Reach::Account)
            && acts(view, put.action)
            && self.cover(view, put.request) == Cover::Full
            && private.meets_all(put.request, &view.conditions) == Answer::Yes
        {
            out.push(warning(&view.path, FindingKind::MissingCondition { key: ACL_KEY, value: OWNER_ACL }));
        }
    }

    fn cover(&self, view: &View<'_>, request: Request) -> Cover {
        let Some(element) = &view.resource else { return Cover::None };
        let target = self.target(request);
        let most = element.values.iter().map(|item| covers(item.text, &target)).max().unwrap_or(Cover::None);
        match (element.not, most) {
            (false, cover) => cover,
            (true, Cover::Full) => Cover::None,
            (true, Cover::Part) => Cover::Part,
            (true, Cover::None) => Cover::Full,
        }
    }

    fn rights(&self, out: &mut Vec<Finding>) {
        let mut missing: Vec<(&'static str, Vec<&'static str>)> = Vec::new();
        for need in &NEEDS {
            let givers = self.givers(need);
            if givers.iter().any(|(_, how)| *how == (Cover::Full, Answer::Yes)) {
                continue;
            }
            let for_others = |view: &View<'_>| self.reach(view) == Reach::Everybody && principal::is_for_others(view);
            let partly = givers.iter().find(|(view, (cover, met))| {
                *cover != Cover::None && *met != Answer::No && (*met == Answer::Yes || !for_others(view))
            });
            if let Some((view, _)) = partly {
                out.extend(self.explain(view, need));
                continue;
            }
            let candidates = self.views.iter().filter(|view| self.is_meant(view, need));
            let explained = candidates.map(|view| (view, self.explain(view, need)));
            let best = explained.min_by_key(|(view, findings)| (view.sid != Some(need.sid), findings.len()));
            match best {
                Some((_, findings)) => out.extend(findings),
                None => match missing.iter_mut().find(|(sid, _)| *sid == need.sid) {
                    Some((_, actions)) => actions.push(need.action),
                    None => missing.push((need.sid, vec![need.action])),
                },
            }
        }
        out.extend(
            missing
                .into_iter()
                .map(|(sid, actions)| error("$.Statement", FindingKind::MissingStatement { sid, actions })),
        );
    }

    /// The statements that may give a right, and how much of it.
    fn givers(&self, need: &Need) -> Vec<(&View<'_>, (Cover, Answer))> {
        let gives = |view: &&View<'_>| view.allow && self.reach(view) >= Reach::Role && acts(view, need.action);
        let how_well = |view: &View<'_>| {
            let cover = self.cover(view, need.request);
            (cover, self.context().meets_all(need.request, &view.conditions))
        };
        self.views.iter().filter(gives).map(|view| (view, how_well(view))).collect()
    }

    /// Whether the role has every right that a copy needs, but for a Deny.
    fn gives_all(&self) -> bool {
        let full = |need| self.givers(need).iter().any(|(_, how)| *how == (Cover::Full, Answer::Yes));
        NEEDS.iter().all(full)
    }

    /// Whether a statement was meant to give a right.
    fn is_meant(&self, view: &View<'_>, need: &Need) -> bool {
        let family = NEEDS.iter().filter(|other| other.sid == need.sid);
        let for_it = view.sid == Some(need.sid)
            || family.into_iter().any(|other| acts(view, other.action))
            || items(&view.action).any(|action| misspelt(action.text) == Some(need.action));
        for_it && self.is_ours(view)
    }

    /// Why a statement does not give a right.
    fn explain(&self, view: &View<'_>, need: &Need) -> Vec<Finding> {
        let mut out = Vec::new();
        if self.reach(view) < Reach::Role {
            out.extend(self.explain_principal(view));
        }
        if !acts(view, need.action) {
            let wrong = items(&view.action).find(|item| misspelt(item.text) == Some(need.action));
            out.push(match (wrong, &view.action) {
                (Some(item), _) => {
                    error(&item.path, FindingKind::MisspeltAction { found: item.text.to_owned(), meant: need.action })
                }
                (None, Some(element)) => error(&element.path, FindingKind::MissingAction { action: need.action }),
                (None, None) => error(&view.path, FindingKind::MissingAction { action: need.action }),
            });
        }
        out.extend(self.explain_resource(view, need));
        for condition in &view.conditions {
            let met = self.context().meets(need.request, condition);
            let (operator, key) = (condition.operator.to_owned(), condition.key.to_owned());
            let found = condition.values.join(", ");
            let is_acl = key.eq_ignore_ascii_case(ACL_KEY) && need.request == Request::Put;
            let action = need.action;
            match met {
                Answer::Yes => {}
                Answer::No if is_acl => {
                    let expected = format!("StringEquals {ACL_KEY} = {OWNER_ACL}");
                    out.push(error(&condition.path, FindingKind::WrongCondition { operator, key, found, expected }));
                }
                Answer::No => out.push(error(&condition.path, FindingKind::NeverMet { action, operator, key, found })),
                Answer::Unknown => {
                    out.push(warning(&condition.path, FindingKind::MayFail { action, operator, key, found }));
                }
            }
        }
        out
    }

    fn explain_principal(&self, view: &View<'_>) -> Vec<Finding> {
        let expected = || self.role.to_string();
        let Some(element) = &view.principal else { return Vec::new() };
        let wrong = |path: &str, found: &str| {
            let part = principal::wrong_part(found, self.role);
            error(path, FindingKind::WrongPrincipal { part, found: found.to_owned(), expected: expected() })
        };
        let near = element.values.iter().filter(|item| principal::is_near(item.text, self.role));
        let dead = element.values.iter().filter(|item| principal::is_dead(item.text));
        // These are told for every statement already.
        if near.chain(dead).next().is_some() && !element.not {
            return Vec::new();
        }
        match element.values.first() {
            Some(item) if !element.not => vec![wrong(&item.path, item.text)],
            _ => vec![wrong(&element.path, if element.not { "NotPrincipal" } else { "" })],
        }
    }

    fn explain_resource(&self, view: &View<'_>, need: &Need) -> Vec<Finding> {
        let Some(element) = &view.resource else { return Vec::new() };
        let expected = match need.request {
            Request::List => self.bucket.arn(),
            _ => format!("{}/*", self.bucket.arn()),
        };
        let told = items(&view.resource).map(|item| item.text).collect::<Vec<_>>().join(", ");
        match self.cover(view, need.request) {
            Cover::Full => Vec::new(),
            Cover::Part => vec![warning(&element.path, FindingKind::NarrowResource { found: told, expected })],
            Cover::None => {
                // If mending its ARNs is enough, they have been told already.
                let target = self.target(need.request);
                let mended = |text: &str| {
                    let arn = mended_arn(text, self.bucket).unwrap_or_else(|| text.to_owned());
                    match arn.strip_prefix("arn:aws:s3:::").and_then(|rest| rest.split_once('/')) {
                        Some((_, key)) => format!("{}/{key}", self.bucket.arn()),
                        None => self.bucket.arn(),
                    }
                };
                let is_told = |text: &str| mended_arn(text, self.bucket).is_some() || !self.is_this_bucket(text);
                let enough = items(&view.resource)
                    .any(|item| is_told(item.text) && covers(&mended(item.text), &target) == Cover::Full);
                match enough && !element.not {
                    true => Vec::new(),
                    false => {
                        let kind = FindingKind::WrongResource { action: need.action, found: told, expected };
                        vec![error(&element.path, kind)]
                    }
                }
            }
        }
    }

    fn is_this_bucket(&self, text: &str) -> bool {
        let name = text.strip_prefix("arn:aws:s3:::").unwrap_or(text).split('/').next().unwrap_or_default();
        fits(name, self.bucket.as_str())
    }

    /// What a Deny forbids of that which copies need.
    fn deny(&self, view: &View<'_>) -> Option<Finding> {
        let certain = self.denies(view)?;
        // Ending and continuing an upload is the initiator's by default, unless denied.
        let uploads = ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"];
        let others = uploads.map(|action| Need { request: Request::Put, sid: PUT_SID, action });
        let mut wins: Vec<&str> = Vec::new();
        let mut may: Vec<&str> = Vec::new();
        let mut because = String::new();
        for need in NEEDS.iter().chain(&others) {
            let cover = self.cover(view, need.request);
            let met = self.context().meets_all(need.request, &view.conditions);
            if !acts(view, need.action) || cover == Cover::None || met == Answer::No {
                continue;
            }
            let needed = NEEDS.iter().any(|other| other.action == need.action);
            if certain && needed && cover == Cover::Full && met == Answer::Yes {
                wins.push(need.action);
                continue;
            }
            may.push(need.action);
            if because.is_empty() {
                let unknown =
                    |c: &&super::view::Condition<'_>| self.context().meets(need.request, c) == Answer::Unknown;
                because = if let Some(c) = view.conditions.iter().find(unknown) {
                    format!("{} {} = {}", c.operator, c.key, c.values.join(", "))
                } else if cover == Cover::Part {
                    items(&view.resource).map(|item| item.text).collect::<Vec<_>>().join(", ")
                } else if !certain {
                    items(&view.principal).map(|item| item.text).collect::<Vec<_>>().join(", ")
                } else {
                    need.action.to_owned()
                };
            }
        }
        if !wins.is_empty() {
            return Some(error(&view.path, FindingKind::DenyWins { actions: wins.join(", ") }));
        }
        let actions = may.join(", ");
        (!may.is_empty()).then(|| warning(&view.path, FindingKind::DenyMayWin { actions, because }))
    }

    /// Whether a Deny is for the role: certainly, perhaps, or (None) not at all.
    fn denies(&self, view: &View<'_>) -> Option<bool> {
        let element = view.principal.as_ref()?;
        let reach = principal::reach(element, self.role);
        match (element.not, reach) {
            (false, Reach::Nobody) => None,
            (false, Reach::Session) => Some(false),
            (false, _) => Some(true),
            // What is excepted must be named as role, account and session: one alone does not always do.
            (true, Reach::Everybody) => None,
            (true, Reach::Nobody) => Some(true),
            (true, _) => Some(false),
        }
    }
}

fn has_our_sid(view: &View<'_>) -> bool {
    view.sid.is_some_and(|sid| BUCKET_POLICY_SIDS.contains(&sid))
}

fn items<'v, 'a>(element: &'v Option<Element<'a>>) -> impl Iterator<Item = &'v super::view::Item<'a>> {
    element.iter().flat_map(|element| &element.values)
}

/// Whether a statement is about an action.
fn acts(view: &View<'_>, action: &str) -> bool {
    let Some(element) = &view.action else { return false };
    let action = action.to_ascii_lowercase();
    element.values.iter().any(|item| fits(&item.text.to_ascii_lowercase(), &action)) != element.not
}

/// Whether a statement is about an action and does not just say everything.
fn names(view: &View<'_>, action: &str) -> bool {
    acts(view, action) && items(&view.action).any(|item| item.text != "*")
}

fn misspelt(action: &str) -> Option<&'static str> {
    let is = |known: &str| action.eq_ignore_ascii_case(known);
    let known = NEEDS.map(|need| need.action);
    if action.contains(['*', '?']) || known.iter().chain(&NEIGHBOURS).any(|known| is(known)) {
        return None;
    }
    match NOT_ACTIONS.iter().find(|(wrong, _)| is(wrong)) {
        Some((_, right)) => Some(right),
        None => meant(action, &known),
    }
}

/// The ARN that was meant, where one is not well-formed.
fn mended_arn(text: &str, bucket: &BucketName) -> Option<String> {
    let right = |text: &str| {
        text == "*" || text.starts_with("arn:aws:s3:::") && text[13..].trim_start_matches(':') == &text[13..]
    };
    if right(text) {
        return None;
    }
    let trimmed = text.trim();
    let rest = match trimmed.to_ascii_lowercase() {
        lower if lower.starts_with("arn:aws:s3:") => trimmed[11..].trim_start_matches(':'),
        lower if lower.starts_with("arn:aws:s3") => trimmed[10..].trim_start_matches(['/', ':']),
        lower if lower.starts_with("s3://") => &trimmed[5..],
        // Of another partition or service, or not to be guessed.
        lower if lower.starts_with("arn:") => return None,
        _ => trimmed,
    };
    let name = rest.split('/').next().unwrap_or_default();
    match name.is_empty() {
        _ if name.contains(':') => None,
        true => Some(format!("{}/*", bucket.arn())),
        false => Some(format!("arn:aws:s3:::{rest}")),
    }
}
