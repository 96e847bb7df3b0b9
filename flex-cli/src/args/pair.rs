//! The manual's pair of URLs: `s3://dataservice-flex-bucket/2021/05 s3://my-bucket/2021/05`.

use flex_keys::split_s3_url;
use thiserror::Error;

/// What the second URL of a pair names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    pub(crate) bucket: String,
    /// What stands before the source's path; empty where there is nothing.
    pub(crate) prefix: String,
}

/// Two URLs that are no pair of source and destination.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum PairError {
    /// It would not keep the vendor's keys.
    #[error(
        "{given} is no destination for {source_url}: flex keeps the vendor's keys\n\
         expected s3://{bucket}/{path}, or s3://{bucket}/SOME/PREFIX/{path}"
    )]
    OtherKeys { given: String, source_url: String, bucket: String, path: String },
    /// Source and destination, one of them mistyped, or two selections: what is meant cannot be known.
    #[error(
        "{given} is no destination for {source_url}: both are in the source bucket\n\
         expected s3://YOUR-BUCKET/{path} as the destination, or two selections without s3://{bucket}/"
    )]
    SameBucket { given: String, source_url: String, bucket: String, path: String },
}

fn parts(url: &str) -> Option<(&str, &str)> {
    let (bucket, path) = split_s3_url(url)?;
    Some((bucket, path.trim_matches('/')))
}

/// The destination that the second of two URLs names; `None` when these are no pair (the first is not of the source
/// bucket, or one is no URL). `same` says whether two paths select the same.
pub(crate) fn destination_of_pair(
    selections: &[String],
    source_bucket: &str,
    same: impl Fn(&str, &str) -> bool,
) -> Result<Option<Destination>, PairError> {
    let [first, second] = selections else { return Ok(None) };
    let (Some((from, path)), Some((bucket, to))) = (parts(first), parts(second)) else { return Ok(None) };
    if from != source_bucket || bucket.is_empty() {
        return Ok(None);
    }
    if bucket == source_bucket {
        return Err(PairError::SameBucket {
            given: second.clone(),
            source_url: first.clone(),
            bucket: bucket.to_owned(),
            path: path.to_owned(),
        });
    }
    // Every place where the source's path could begin: the start, and behind each slash.
    let starts = std::iter::once(0).chain(to.match_indices('/').map(|(at, _)| at + 1));
    let found = if path.is_empty() {
        Some(to)
    } else {
        starts.map(|at| to.split_at(at)).find(|(_, tail)| *tail == path || same(path, tail)).map(|(head, _)| head)
    };
    match found {
        Some(prefix) => {
            Ok(Some(Destination { bucket: bucket.to_owned(), prefix: prefix.trim_end_matches('/').to_owned() }))
        }
        None => Err(PairError::OtherKeys {
            given: second.clone(),
            source_url: first.clone(),
            bucket: bucket.to_owned(),
            path: path.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(first: &str, second: &str) -> Result<Option<(String, String)>, String> {
        let same = |a: &str, b: &str| a.replace("/0", "/") == b.replace("/0", "/");
        destination_of_pair(&[first.to_owned(), second.to_owned()], "src", same)
            .map(|found| found.map(|d| (d.bucket, d.prefix)))
            .map_err(|e| e.to_string())
    }

    #[test]
    fn the_second_url_names_bucket_and_prefix() {
        for (first, second, bucket, prefix) in [
            ("s3://src/2021/05", "s3://my/2021/05", "my", ""),
            ("s3://src/2021/05/", "s3://my/2021/05", "my", ""),
            ("s3://src/2021/5", "s3://my/2021/05/", "my", ""),
            ("s3://src/2021/05", "s3://my/some/where/2021/05/", "my", "some/where"),
            ("s3://src/2021/05", "s3://my/2021/05/2021/05", "my", "2021/05"),
            ("s3://src/a b/version 1", "s3://my/a b/version 1", "my", ""),
            ("s3://src/", "s3://my/all of it/", "my", "all of it"),
            ("S3://src/2021/05", "S3://my/2021/05", "my", ""),
        ] {
            assert_eq!(pair(first, second), Ok(Some((bucket.into(), prefix.into()))), "{first} {second}");
        }
    }

    #[test]
    fn a_destination_with_other_keys_is_refused_with_the_right_form() {
        for second in
            ["s3://my", "s3://my/", "s3://my/data", "s3://my/2021/06", "s3://my/x2021/05", "s3://my/2021/05/x"]
        {
            let error = pair("s3://src/2021/05", second).expect_err(second);
            assert!(error.contains(second) && error.contains("s3://my/2021/05"), "{error}");
        }
    }

    #[test]
    fn two_urls_of_the_source_bucket_are_refused_with_both_right_forms() {
        for second in ["s3://src/2021/06", "s3://src/2021/05", "S3://src"] {
            let error = pair("s3://src/2021/05", second).expect_err(second);
            assert!(error.contains("s3://YOUR-BUCKET/2021/05") && error.contains("two selections"), "{error}");
        }
    }

    #[test]
    fn other_arguments_are_no_pair() {
        for (first, second) in [
            ("2021/05", "s3://my/2021/05"),
            ("s3://my/2021/05", "s3://src/2021/05"),
            ("s3://src/2021/05", "2021/06"),
            ("s3://src/2021/05", "s3:///2021/05"),
        ] {
            assert_eq!(pair(first, second), Ok(None), "{first} {second}");
        }
    }
}
