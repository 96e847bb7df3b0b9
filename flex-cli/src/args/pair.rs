//! The manual's pair of URLs: `s3://dataservice-flex-bucket/2021/05 s3://my-bucket/2021/05`.

use thiserror::Error;

/// What the second URL of a pair names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    pub(crate) bucket: String,
    /// What stands before the source's path; empty where there is nothing.
    pub(crate) prefix: String,
}

/// A pair that would not keep the vendor's keys.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{given} is no destination for {source_url}: flex keeps the vendor's keys\n\
     expected s3://{bucket}/{path}, or s3://{bucket}/SOME/PREFIX/{path}"
)]
pub(crate) struct PairError {
    given: String,
    source_url: String,
    bucket: String,
    path: String,
}

fn parts(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("s3://")?;
    let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
    Some((bucket, path.trim_matches('/')))
}

/// The destination that the second of two URLs names; `None` when these are no pair (the second is not the URL of
/// another bucket). `same` says whether two paths select the same.
pub(crate) fn destination_of_pair(
    selections: &[String],
    source_bucket: &str,
    same: impl Fn(&str, &str) -> bool,
) -> Result<Option<Destination>, PairError> {
    let [first, second] = selections else { return Ok(None) };
    let (Some((from, path)), Some((bucket, to))) = (parts(first), parts(second)) else { return Ok(None) };
    if from != source_bucket || bucket == source_bucket || bucket.is_empty() {
        return Ok(None);
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
        None => Err(PairError {
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
    fn other_arguments_are_no_pair() {
        for (first, second) in [
            ("s3://src/2021/05", "s3://src/2021/06"),
            ("2021/05", "s3://my/2021/05"),
            ("s3://my/2021/05", "s3://src/2021/05"),
            ("s3://src/2021/05", "2021/06"),
            ("s3://src/2021/05", "s3:///2021/05"),
        ] {
            assert_eq!(pair(first, second), Ok(None), "{first} {second}");
        }
    }
}
