//! IAM's wildcards, and how near two words are.

/// Whether a pattern with `*` and `?` fits a text.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while read < t.len() {
        if at < p.len() && p[at] == '*' {
            star = Some((at, read));
            at += 1;
        } else if at < p.len() && (p[at] == '?' || p[at] == t[read]) {
            (at, read) = (at + 1, read + 1);
        } else if let Some((star_at, taken)) = star {
            star = Some((star_at, taken + 1));
            (at, read) = (star_at + 1, taken + 1);
        } else {
            return false;
        }
    }
    p[at..].iter().all(|c| *c == '*')
}

/// How much of a set of texts a pattern fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cover {
    None,
    Part,
    Full,
}

/// How much a resource pattern covers of a bucket's objects, or of one fixed ARN.
pub(super) fn covers(pattern: &str, target: &Target) -> Cover {
    // A policy variable stands for something that is not known here.
    let (pattern, variable) = without_variables(pattern);
    let cover = match target {
        Target::One(arn) => {
            if fits(&pattern, arn) {
                Cover::Full
            } else {
                Cover::None
            }
        }
        Target::Objects(bucket) => {
            // No key of the service has such characters: only a wildcard takes them.
            let keys = ["\u{1}", "\u{1}\u{2}/\u{3}\u{1}/\u{2}\u{2}\u{3}"];
            let all = keys.iter().all(|key| fits(&pattern, &format!("{bucket}/{key}")));
            match all {
                true => Cover::Full,
                false if overlaps(&pattern, &format!("{bucket}/?*")) => Cover::Part,
                false => Cover::None,
            }
        }
    };
    if variable { cover.min(Cover::Part) } else { cover }
}

/// What a request is for.
pub(super) enum Target {
    /// This ARN.
    One(String),
    /// The objects of the bucket of this ARN.
    Objects(String),
}

fn without_variables(pattern: &str) -> (String, bool) {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((_, after)) = after.split_once('}') else { break };
        out.push_str(before);
        out.push('*');
        rest = after;
    }
    let variable = rest.len() != pattern.len();
    out.push_str(rest);
    (out, variable)
}

/// Whether some text fits both patterns.
fn overlaps(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // reach[i][j]: some text fits a[i..] and b[j..].
    let mut reach = vec![vec![false; b.len() + 1]; a.len() + 1];
    for i in (0..=a.len()).rev() {
        for j in (0..=b.len()).rev() {
            reach[i][j] = match (a.get(i), b.get(j)) {
                (None, None) => true,
                (Some('*'), None) => reach[i + 1][j],
                (None, Some('*')) => reach[i][j + 1],
                (Some('*'), Some(_)) | (Some(_), Some('*')) => reach[i + 1][j] || reach[i][j + 1],
                (Some(x), Some(y)) if x == y || *x == '?' || *y == '?' => reach[i + 1][j + 1],
                _ => false,
            };
        }
    }
    reach[0][0]
}

/// The letters to change, add or take away to make one word of another, without case.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.to_lowercase().chars().collect();
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

/// The one of some words that was meant, if it is near.
pub(super) fn meant(word: &str, known: &[&'static str]) -> Option<&'static str> {
    let near = |known: &&'static str| distance(word, known);
    known.iter().copied().min_by_key(near).filter(|known| distance(word, known) <= (known.len() / 4).clamp(1, 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_iams() {
        for (pattern, text, want) in [
            ("*", "", true),
            ("s3:*", "s3:putobject", true),
            ("s3:put*", "s3:putobjectacl", true),
            ("s3:put*acl", "s3:putobjectacl", true),
            ("s3:put*acl", "s3:putobject", false),
            ("s3:?utobject", "s3:putobject", true),
            ("s3:?putobject", "s3:putobject", false),
            ("a*b*c", "axxbxxbc", true),
            ("a*b*c", "axxbxxb", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern, text), want, "{pattern} {text}");
        }
    }

    #[test]
    fn patterns_cover_objects_in_part_or_in_full() {
        let objects = Target::Objects("arn:aws:s3:::b".to_owned());
        for (pattern, want) in [
            ("arn:aws:s3:::b/*", Cover::Full),
            ("arn:aws:s3:::b*", Cover::Full),
            ("*", Cover::Full),
            ("arn:aws:s3:::*/*", Cover::Full),
            ("arn:aws:s3:::b/?*", Cover::Full),
            ("arn:aws:s3:::b/2021/*", Cover::Part),
            ("arn:aws:s3:::b/*.gz", Cover::Part),
            ("arn:aws:s3:::b/???", Cover::Part),
            ("arn:aws:s3:::*/${aws:userid}/*", Cover::Part),
            ("arn:aws:s3:::b", Cover::None),
            ("arn:aws:s3:::b/", Cover::None),
            ("arn:aws:s3:::bb/*", Cover::None),
            ("arn:aws:s3::b/*", Cover::None),
        ] {
            assert_eq!(covers(pattern, &objects), want, "{pattern}");
        }
        let bucket = Target::One("arn:aws:s3:::b".to_owned());
        assert_eq!(covers("arn:aws:s3:::*", &bucket), Cover::Full);
        assert_eq!(covers("arn:aws:s3:::b/*", &bucket), Cover::None);
    }

    #[test]
    fn misspellings_are_near() {
        for (word, want) in [
            ("s3:PutObjects", Some("s3:PutObject")),
            ("s3:PutObectAcl", Some("s3:PutObjectAcl")),
            ("s3:ListBuckets", Some("s3:ListBucket")),
            ("s3:GetBucketPolicy", None),
        ] {
            assert_eq!(meant(word, &["s3:ListBucket", "s3:PutObject", "s3:PutObjectAcl"]), want, "{word}");
        }
        assert_eq!(distance("kitten", "Sitting"), 3);
    }
}
