/// Unchanged lines shown around a change.
const AROUND: usize = 3;

/// What changed from one text to another, line by line: `- ` what goes, `+ ` what comes, two blanks before what stays,
/// ` ...` for longer stretches that stay. Empty for equal texts.
pub(crate) fn difference(before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let lines = walk(&old, &new);
    let near = |index: usize| {
        let around = index.saturating_sub(AROUND)..(index + AROUND + 1).min(lines.len());
        lines[around].iter().any(|(sign, _)| *sign != ' ')
    };
    let mut out = String::new();
    let mut skipping = false;
    for (index, (sign, line)) in lines.iter().enumerate() {
        if near(index) {
            out.push_str(&format!("{sign} {line}\n"));
        } else if !skipping {
            out.push_str("  ...\n");
        }
        skipping = !near(index);
    }
    out
}

/// All lines of both, by their longest common subsequence. A policy has at most some thousand lines; what is equal at
/// both ends is taken off first.
fn walk<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(char, &'a str)> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let mut common = vec![vec![0_u32; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i][j] = if a[i] == b[j] { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let mut lines: Vec<(char, &str)> = old[..head].iter().map(|line| (' ', *line)).collect();
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            lines.push((' ', a[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || (i < a.len() && common[i + 1][j] >= common[i][j + 1]) {
            lines.push(('-', a[i]));
            i += 1;
        } else {
            lines.push(('+', b[j]));
            j += 1;
        }
    }
    lines.extend(old[old.len() - tail..].iter().map(|line| (' ', *line)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_shown_with_what_is_around_them() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9";
        let after = "1\n2\n3\n4\nfive\n6\n7\n8\n9\nten";
        let want = "  ...\n  2\n  3\n  4\n- 5\n+ five\n  6\n  7\n  8\n  9\n+ ten\n";
        assert_eq!(difference(before, after), want);
        assert_eq!(difference("a", "a"), "");
        assert_eq!(difference("", "a\nb"), "+ a\n+ b\n");
        assert_eq!(difference("a\nb", "b"), "- a\n  b\n");
    }
}
