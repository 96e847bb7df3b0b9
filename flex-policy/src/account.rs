use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The vendor's AWS account.
pub const VENDOR_ACCOUNT: &str = "461810399597";

/// The id of an AWS account: always twelve digits, leading zeros among them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct AccountId([u8; 12]);

impl AccountId {
    /// The vendor's account, [`VENDOR_ACCOUNT`].
    pub const VENDOR: AccountId = AccountId(*b"461810399597");

    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for AccountId {
    type Err = AccountIdError;

    fn from_str(text: &str) -> Result<Self, AccountIdError> {
        if let Some((at, found)) = text.char_indices().find(|(_, c)| !c.is_ascii_digit()) {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            let separators = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | ' '));
            return Err(match separators && digits.len() == 12 {
                true => AccountIdError::Separated { digits },
                false => AccountIdError::NotADigit { found, at },
            });
        }
        match text.as_bytes().try_into() {
            Ok(digits) => Ok(AccountId(digits)),
            Err(_) => Err(AccountIdError::Length { digits: text.len() }),
        }
    }
}

impl TryFrom<String> for AccountId {
    type Error = AccountIdError;

    fn try_from(text: String) -> Result<Self, AccountIdError> {
        text.parse()
    }
}

impl From<AccountId> for String {
    fn from(id: AccountId) -> String {
        id.as_str().to_owned()
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountId({})", self.as_str())
    }
}

/// A text that is not an account id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountIdError {
    /// Too few or too many digits.
    #[error("an account id has 12 digits, this has {digits}{}; for example 012345678901", lost_zeros(*digits))]
    Length {
        /// How many there are.
        digits: usize,
    },
    /// Twelve digits with hyphens or spaces between them, as the AWS console shows them.
    #[error("an account id has 12 digits and nothing between them: write {digits}")]
    Separated {
        /// The same without what is between.
        digits: String,
    },
    /// Something else.
    #[error("an account id has 12 digits, but character {} is {found:?}; for example 012345678901", at + 1)]
    NotADigit {
        /// What stands there.
        found: char,
        /// Where, in bytes; only ASCII digits come before it.
        at: usize,
    },
}

fn lost_zeros(digits: usize) -> &'static str {
    // A spreadsheet or an unquoted YAML value drops them.
    if (6..12).contains(&digits) { ", perhaps leading zeros were lost" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_twelve_digits_are_an_account() {
        use AccountIdError::{Length, NotADigit, Separated};
        let plain = || Separated { digits: "123456789012".to_owned() };
        for (text, want) in [
            ("123456789012", Ok("123456789012")),
            ("000000000001", Ok("000000000001")),
            ("1234-5678-9012", Err(plain())),
            ("1234 5678 9012", Err(plain())),
            ("1234-5678-901", Err(NotADigit { found: '-', at: 4 })),
            ("12345678901", Err(Length { digits: 11 })),
            ("1234567890123", Err(Length { digits: 13 })),
            ("", Err(Length { digits: 0 })),
            ("１２３４５６７８９０１２", Err(NotADigit { found: '１', at: 0 })),
            ("12345678901a", Err(NotADigit { found: 'a', at: 11 })),
            ("12345678901\n", Err(NotADigit { found: '\n', at: 11 })),
        ] {
            assert_eq!(text.parse::<AccountId>().map(|id| id.to_string()), want.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn messages_say_what_to_write() {
        let message = |text: &str| text.parse::<AccountId>().expect_err("not an account").to_string();
        assert_eq!(
            message("1234-5678-9012"),
            "an account id has 12 digits and nothing between them: write 123456789012"
        );
        assert!(message("12345678901").contains("leading zeros were lost"));
        assert!(message("12345678901x").contains("character 12 is 'x'"));
    }

    #[test]
    fn json_is_the_string_and_is_checked() {
        let id: AccountId = serde_json::from_str("\"000000000001\"").expect("an account");
        assert_eq!(serde_json::to_string(&id).expect("a string"), "\"000000000001\"");
        assert!(serde_json::from_str::<AccountId>("\"1\"").is_err());
        assert_eq!(AccountId::VENDOR.to_string(), VENDOR_ACCOUNT);
    }
}
