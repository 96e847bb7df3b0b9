use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// The name of a bucket that AWS's rules allow.
///
/// The rules: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct BucketName(String);

const RESERVED_BEGINNINGS: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
const RESERVED_ENDINGS: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

impl BucketName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The bucket's ARN.
    pub fn arn(&self) -> String {
        format!("arn:aws:s3:::{}", self.0)
    }

    /// Whether there is a dot in it. That is allowed, but the certificate of `*.s3.<region>.amazonaws.com` does not fit
    /// such a name: requests to it must use path style.
    pub fn has_dots(&self) -> bool {
        self.0.contains('.')
    }
}

impl FromStr for BucketName {
    type Err = BucketNameError;

    fn from_str(text: &str) -> Result<Self, BucketNameError> {
        match broken_rule(text) {
            None => Ok(BucketName(text.to_owned())),
            Some((rule, at)) => Err(BucketNameError { name: text.to_owned(), rule, at }),
        }
    }
}

impl TryFrom<String> for BucketName {
    type Error = BucketNameError;

    fn try_from(text: String) -> Result<Self, BucketNameError> {
        text.parse()
    }
}

impl From<BucketName> for String {
    fn from(name: BucketName) -> String {
        name.0
    }
}

impl AsRef<str> for BucketName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The first rule that a name breaks, and where. Characters come first: they say most about what was meant.
fn broken_rule(name: &str) -> Option<(BucketNameRule, Range<usize>)> {
    use BucketNameRule as Rule;
    let allowed = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '.' | '-');
    let edge = |c: &u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let bytes = name.as_bytes();
    if let Some((at, found)) = name.char_indices().find(|(_, c)| !allowed(*c)) {
        return Some((Rule::Characters, at..at + found.len_utf8()));
    }
    if !(3..=63).contains(&name.len()) {
        return Some((Rule::Length, name.len().min(63)..name.len()));
    }
    if !bytes.first().is_some_and(edge) {
        return Some((Rule::Beginning, 0..1));
    }
    if !bytes.last().is_some_and(edge) {
        return Some((Rule::End, name.len() - 1..name.len()));
    }
    if let Some(at) = name.find("..") {
        return Some((Rule::AdjacentDots, at..at + 2));
    }
    let groups = || name.split('.');
    let number = |group: &str| group.len() <= 3 && group.bytes().all(|b| b.is_ascii_digit());
    if groups().count() == 4 && groups().all(number) {
        return Some((Rule::IpAddress, 0..name.len()));
    }
    if let Some(beginning) = RESERVED_BEGINNINGS.iter().find(|beginning| name.starts_with(**beginning)) {
        return Some((Rule::ReservedBeginning, 0..beginning.len()));
    }
    if let Some(ending) = RESERVED_ENDINGS.iter().find(|ending| name.ends_with(**ending)) {
        return Some((Rule::ReservedEnd, name.len() - ending.len()..name.len()));
    }
    if name.strip_suffix("-an").is_some_and(|name| !is_account_regional(name)) {
        return Some((Rule::AccountRegional, name.len() - 3..name.len()));
    }
    None
}

/// Whether a name without its `-an` ends in an account and a region: `data-123456789012-ap-northeast-1`.
fn is_account_regional(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    // A region is letters in two to three parts and a number: ap-northeast-1, us-gov-west-1.
    (3..=4).any(|region_parts| {
        let Some(account) = parts.len().checked_sub(region_parts + 1).filter(|at| *at > 0) else { return false };
        let (letters, number) = parts[account + 1..].split_at(region_parts - 1);
        parts[account].len() == 12
            && parts[account].bytes().all(|b| b.is_ascii_digit())
            && letters.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase()))
            && number.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// AWS's rules for the name of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BucketNameRule {
    /// Lowercase letters, digits, dots and hyphens.
    Characters,
    /// 3 to 63 characters.
    Length,
    /// A letter or digit at the beginning.
    Beginning,
    /// A letter or digit at the end.
    End,
    /// No two dots side by side.
    AdjacentDots,
    /// Not the form of an IP address.
    IpAddress,
    /// None of the beginnings that AWS keeps for itself.
    ReservedBeginning,
    /// None of the endings that AWS keeps for itself.
    ReservedEnd,
    /// `-an` ends only a name of an account's regional namespace.
    AccountRegional,
}

/// A text that cannot be the name of a bucket: the rule, the place, an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketNameError {
    name: String,
    rule: BucketNameRule,
    at: Range<usize>,
}

impl BucketNameError {
    /// The rule that is broken.
    pub fn rule(&self) -> BucketNameRule {
        self.rule
    }

    /// Where the name breaks it, in bytes.
    pub fn place(&self) -> Range<usize> {
        self.at.clone()
    }

    /// A name, near the refused one where possible, that is allowed.
    pub fn example(&self) -> String {
        let cleaned = match self.rule {
            BucketNameRule::Characters => self.name.to_ascii_lowercase().replace('_', "-"),
            BucketNameRule::End => self.name.trim_end_matches(['.', '-']).to_owned(),
            BucketNameRule::Beginning => self.name.trim_start_matches(['.', '-']).to_owned(),
            BucketNameRule::AdjacentDots => {
                self.name.split('.').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
            }
            BucketNameRule::AccountRegional => "data-123456789012-ap-northeast-1-an".to_owned(),
            _ => String::new(),
        };
        if broken_rule(&cleaned).is_none() { cleaned } else { "my-flex-data".to_owned() }
    }
}

impl fmt::Display for BucketNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = self.name.get(self.at.clone()).unwrap_or_default();
        let character = self.name.get(..self.at.start).unwrap_or_default().chars().count() + 1;
        let shown: String = self.name.chars().take(80).collect();
        let more = if shown.len() < self.name.len() { "…" } else { "" };
        write!(f, "\"{}{more}\" cannot be the name of a bucket: ", shown.escape_debug())?;
        match self.rule {
            BucketNameRule::Characters if self.name.starts_with("s3://") => {
                write!(f, "give the name alone, without s3://")?;
            }
            BucketNameRule::Characters => {
                write!(
                    f,
                    "character {character} is {:?}, allowed are a-z, 0-9, . and -",
                    part.chars().next().unwrap_or_default()
                )?;
            }
            BucketNameRule::Length => write!(f, "its length is {}, allowed are 3 to 63 characters", self.name.len())?,
            BucketNameRule::Beginning => write!(f, "it begins with {part}, and must with a letter or digit")?,
            BucketNameRule::End => write!(f, "it ends with {part}, and must with a letter or digit")?,
            BucketNameRule::AdjacentDots => write!(f, "there are two dots side by side at character {character}")?,
            BucketNameRule::IpAddress => write!(f, "it looks like an IP address")?,
            BucketNameRule::ReservedBeginning => write!(f, "AWS keeps names that begin with {part} for itself")?,
            BucketNameRule::ReservedEnd => write!(f, "AWS keeps names that end with {part} for itself")?,
            BucketNameRule::AccountRegional => {
                write!(f, "{part} ends only names of the form NAME-ACCOUNT-REGION-an")?;
            }
        }
        write!(f, "; for example {}", self.example())
    }
}

impl std::error::Error for BucketNameError {}

#[cfg(test)]
mod tests {
    use super::BucketNameRule::*;
    use super::*;

    #[test]
    fn each_rule_has_its_look_alikes() {
        let longest = "a".repeat(63);
        let too_long = "a".repeat(64);
        for (name, want) in [
            ("abc", Ok(())),
            (longest.as_str(), Ok(())),
            ("my-bucket", Ok(())),
            ("my.bucket", Ok(())),
            ("1.2.3", Ok(())),
            ("1.2.3.4a", Ok(())),
            ("1.2.3.4.5", Ok(())),
            ("xn-bucket", Ok(())),
            ("sthreebucket", Ok(())),
            ("amzn-s3-bucket", Ok(())),
            ("my-s3alias-bucket", Ok(())),
            ("my-ol-s3", Ok(())),
            ("my-mrap", Ok(())),
            ("a.-b", Ok(())),
            ("japan", Ok(())),
            ("data-123456789012-ap-northeast-1-an", Ok(())),
            ("data-123456789012-us-gov-west-1-an", Ok(())),
            ("", Err((Length, 0..0))),
            ("ab", Err((Length, 2..2))),
            (too_long.as_str(), Err((Length, 63..64))),
            ("My-bucket", Err((Characters, 0..1))),
            ("my_bucket", Err((Characters, 2..3))),
            ("my bucket", Err((Characters, 2..3))),
            ("バケット", Err((Characters, 0..3))),
            ("s3://my-bucket", Err((Characters, 2..3))),
            ("my-bucket/", Err((Characters, 9..10))),
            ("-bucket", Err((Beginning, 0..1))),
            (".bucket", Err((Beginning, 0..1))),
            ("bucket-", Err((End, 6..7))),
            ("bucket.", Err((End, 6..7))),
            ("my..bucket", Err((AdjacentDots, 2..4))),
            ("192.168.5.4", Err((IpAddress, 0..11))),
            ("999.999.999.999", Err((IpAddress, 0..15))),
            ("xn--bucket", Err((ReservedBeginning, 0..4))),
            ("sthree-bucket", Err((ReservedBeginning, 0..7))),
            ("sthree-configurator", Err((ReservedBeginning, 0..7))),
            ("amzn-s3-demo-bucket", Err((ReservedBeginning, 0..13))),
            ("my-s3alias", Err((ReservedEnd, 2..10))),
            ("my--ol-s3", Err((ReservedEnd, 2..9))),
            ("my.mrap", Err((ReservedEnd, 2..7))),
            ("my--x-s3", Err((ReservedEnd, 2..8))),
            ("my--table-s3", Err((ReservedEnd, 2..12))),
            ("my-an", Err((AccountRegional, 2..5))),
            ("data-12345678901-ap-northeast-1-an", Err((AccountRegional, 31..34))),
            ("123456789012-ap-northeast-1-an", Err((AccountRegional, 27..30))),
        ] {
            let read = name.parse::<BucketName>();
            assert_eq!(read.as_ref().map(|_| ()).map_err(|e| (e.rule(), e.place())), want, "{name}");
            if let Err(error) = read {
                assert!(error.example().parse::<BucketName>().is_ok(), "{name}: {error}");
            }
        }
    }

    #[test]
    fn messages_show_rule_place_and_example() {
        let message = |name: &str| name.parse::<BucketName>().expect_err("not a name").to_string();
        assert_eq!(
            message("My_Bucket"),
            "\"My_Bucket\" cannot be the name of a bucket: character 1 is 'M', allowed are a-z, 0-9, . and -; for example my-bucket"
        );
        assert!(message("s3://my-bucket").contains("without s3://"));
        assert!(message("a..b").contains("at character 2; for example a.b"));
        assert!(message(&"x".repeat(10_000)).len() < 250);
    }
}
