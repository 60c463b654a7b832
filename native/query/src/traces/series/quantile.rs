//! Values in buckets whose edges are powers of two, and quantiles of them.

use std::collections::BTreeMap;

/// Upper edges and counts. Edges are positive, whose bits have the order of the numbers.
pub(super) type Buckets<C> = BTreeMap<u64, C>;

/// The upper edge of a whole number's bucket: it or the next power of two. Numbers below 2 have none.
pub(super) fn edge(value: f64) -> Option<f64> {
    let whole = value as u64;
    (value >= 2.0).then(|| 2.0_f64.powi(u64::BITS as i32 - (whole - 1).leading_zeros() as i32))
}

/// The quantile `p` (0 to 1) of buckets in ascending order of their upper edges, interpolated
/// exponentially within a bucket; 0 of nothing.
pub(super) fn quantile(p: f64, buckets: &[(f64, u64)]) -> f64 {
    let total: u64 = buckets.iter().map(|(_, count)| count).sum();
    if total == 0 {
        return 0.0;
    }
    let wanted = ((p * total as f64).ceil() as u64).max(1);
    let mut below = 0;
    let mut lower_edge = None;
    for &(upper_edge, count) in buckets {
        if below + count == wanted {
            return upper_edge;
        }
        if below + count > wanted {
            let upper = upper_edge.log2();
            let lower = lower_edge.map_or(upper - 1.0, f64::log2);
            return 2.0_f64.powf(lower + (upper - lower) * (wanted - below) as f64 / count as f64);
        }
        below += count;
        lower_edge = Some(upper_edge);
    }
    lower_edge.unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_ends_at_a_power_of_two_and_holds_it() {
        let edges = [0.0, 1.9, 2.0, 3.0, 4.0, 5.0, 1024.0, 1025.0].map(edge);
        let expected = [None, None, Some(2.0), Some(4.0), Some(4.0), Some(8.0)];
        assert_eq!(edges[..6], expected);
        assert_eq!(edges[6..], [Some(1024.0), Some(2048.0)]);
    }

    fn nearly(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }

    #[test]
    fn a_quantile_at_the_end_of_a_bucket_is_its_edge() {
        let buckets = [(2.0, 5), (8.0, 5)];
        nearly(quantile(0.5, &buckets), 2.0);
        nearly(quantile(1.0, &buckets), 8.0);
    }

    #[test]
    fn within_a_bucket_it_grows_exponentially_from_the_edge_before() {
        nearly(quantile(0.75, &[(4.0, 2), (16.0, 2)]), 8.0);
        // Without one before, from half the edge.
        nearly(quantile(0.5, &[(16.0, 2), (32.0, 1)]), 16.0);
        nearly(quantile(0.2, &[(16.0, 2)]), 8.0 * 2.0_f64.sqrt());
    }

    #[test]
    fn a_quantile_of_nothing_is_0_and_the_least_is_of_one_value() {
        nearly(quantile(0.9, &[]), 0.0);
        nearly(quantile(0.0, &[(4.0, 1), (8.0, 3)]), 4.0);
    }
}
