use std::fmt;

/// The three kinds of data in the vendor's bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dataset {
    /// Tick data a contract covers, in folders `YYYY/MM/DD/`.
    Production,
    /// Free samples, in folders `testdata/YYYY/MM/DD/`.
    Sample,
    /// The documents that describe the data, in `ConnectionSpec/`.
    ConnectionSpec,
}

impl Dataset {
    /// Where the data set begins in the bucket: nothing, `testdata/` or `ConnectionSpec/`.
    pub fn root(self) -> &'static str {
        match self {
            Dataset::Production => "",
            Dataset::Sample => "testdata/",
            Dataset::ConnectionSpec => "ConnectionSpec/",
        }
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Dataset::Production => "production",
            Dataset::Sample => "sample",
            Dataset::ConnectionSpec => "connection specification",
        })
    }
}
