//! Numbers from a seed. The same question always has the same answer, so that nothing need be stored.

/// The finaliser of SplitMix64.
pub(super) fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// One number from several; their order counts.
pub(super) fn hash(words: &[u64]) -> u64 {
    words.iter().fold(0, |hash, word| mix(hash ^ *word))
}

/// One number from text.
pub(super) fn hash_text(text: &str) -> u64 {
    text.as_bytes().chunks(8).fold(text.len() as u64, |hash, chunk| {
        let word = chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        mix(hash ^ word)
    })
}

/// Above 0, up to 1.
fn unit(hash: u64) -> f64 {
    ((hash >> 11) + 1) as f64 / (1_u64 << 53) as f64
}

/// A number of the standard normal distribution (Box and Muller).
pub(super) fn normal(hash: u64) -> f64 {
    let radius = (-2.0 * unit(hash).ln()).sqrt();
    radius * (std::f64::consts::TAU * unit(mix(hash))).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_numbers_are_normal() {
        let numbers: Vec<f64> = (0..100_000).map(|n| normal(hash(&[7, n]))).collect();
        let mean = numbers.iter().sum::<f64>() / 1e5;
        let variance = numbers.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / 1e5;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
    }

    #[test]
    fn text_and_order_count() {
        assert_ne!(hash(&[1, 2]), hash(&[2, 1]));
        assert_ne!(hash_text("2023/01/04"), hash_text("2023/01/05"));
        assert_ne!(hash_text("a"), hash_text("a\0"));
    }
}
