use std::fmt;
use std::str::FromStr;

/// How a set-up or a policy is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// The policy's JSON; for a whole set-up, the inputs of the API calls that make it.
    Json,
    /// A CloudFormation template in YAML.
    CloudFormation,
    /// Terraform's HCL, for the AWS provider.
    Terraform,
    /// A POSIX shell script of AWS CLI commands, which may run twice.
    AwsCli,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 4] = [Format::Json, Format::CloudFormation, Format::Terraform, Format::AwsCli];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::CloudFormation => "cloudformation",
            Format::Terraform => "terraform",
            Format::AwsCli => "aws-cli",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        let found = Format::ALL.into_iter().find(|format| format.as_str() == text);
        found.ok_or_else(|| FormatError { found: text.to_owned() })
    }
}

/// Not the word for a format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not a format; expected json, cloudformation, terraform or aws-cli")]
pub struct FormatError {
    found: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_formats_are_the_same() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        let error = "yaml".parse::<Format>().expect_err("not one of them").to_string();
        assert!(error.contains("\"yaml\"") && error.contains("cloudformation"), "{error}");
    }
}
