//! How long requests took, in buckets: counters that can be added up over days, keys and instances, and from which a
//! median can be read.

/// The upper bounds of the buckets in milliseconds, each 1.3 to 2 times the one before. What takes longer is in a last
/// bucket. A bound is a part of the names in the table: one that goes takes its requests with it.
const BOUNDS: [u32; 20] = [
    100, 150, 200, 300, 400, 600, 800, 1_200, 1_600, 2_400, 3_200, 4_800, 6_400, 9_600, 14_400,
    28_800, 57_600, 115_200, 230_400, 460_800,
];
const BUCKETS: usize = BOUNDS.len() + 1;
/// How the last bucket is called, behind the name of what is measured.
const LONGER: &str = "longer";

/// Requests by their duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Histogram([u32; BUCKETS]);

impl Histogram {
    /// Counts a duration.
    pub(super) fn add(&mut self, milliseconds: u64) {
        let bucket = BOUNDS.partition_point(|bound| u64::from(*bound) < milliseconds);
        self.add_to(bucket, 1);
    }

    pub(super) fn add_all(&mut self, other: &Histogram) {
        for (bucket, requests) in other.0.iter().enumerate() {
            self.add_to(bucket, *requests);
        }
    }

    fn add_to(&mut self, bucket: usize, requests: u32) {
        if let Some(count) = self.0.get_mut(bucket) {
            *count = count.saturating_add(requests);
        }
    }

    /// The buckets with their upper bounds in milliseconds, the shortest first; the last has none.
    pub(super) fn buckets(&self) -> impl Iterator<Item = (Option<u32>, u32)> {
        let bounds = BOUNDS.map(Some).into_iter().chain([None]);
        bounds.zip(self.0)
    }

    /// How many requests were measured.
    pub fn requests(&self) -> u64 {
        self.0.iter().copied().map(u64::from).sum()
    }

    /// Within how many milliseconds this share of the requests, in percent, was done; `None`: none was measured.
    /// Within a bucket they are taken to be spread evenly; of what took longer than all bounds, the last bound is said.
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let requests = self.requests();
        let wanted = requests
            .saturating_mul(percent.min(100))
            .div_ceil(100)
            .max(1);
        let (mut seen, mut lower) = (0, 0);
        for (bucket, count) in self.0.iter().enumerate() {
            let count = u64::from(*count);
            let upper = BOUNDS.get(bucket).map_or(lower, |bound| u64::from(*bound));
            if count > 0 && seen + count >= wanted {
                return Some(lower + (upper - lower) * (wanted - seen) / count);
            }
            seen += count;
            lower = upper;
        }
        None
    }

    /// The counters of a row, by their names.
    pub(super) fn amounts(&self, of: &str) -> impl Iterator<Item = (String, u32)> {
        let names = BOUNDS.map(|bound| bound.to_string());
        let names = names.into_iter().chain([LONGER.to_owned()]);
        let counts = names.zip(self.0).filter(|(_, requests)| *requests > 0);
        counts.map(move |(name, requests)| (format!("{of}_{name}"), requests))
    }

    /// The counter of a bucket by its name behind that of what is measured; `None`: there is no such bucket.
    pub(super) fn bucket(&mut self, name: &str) -> Option<&mut u32> {
        let bucket = match name {
            LONGER => BOUNDS.len(),
            bound => BOUNDS.binary_search(&bound.parse().ok()?).ok()?,
        };
        self.0.get_mut(bucket)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(durations: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        durations.iter().for_each(|ms| histogram.add(*ms));
        histogram
    }

    #[test]
    fn a_share_lies_within_the_bucket_of_its_request() {
        assert_eq!(Histogram::default().percentile(50), None);
        assert_eq!(of(&[0]).percentile(50), Some(100));
        assert_eq!(of(&[400]).percentile(95), Some(400));
        assert_eq!(of(&[401, 500, 550, 600]).percentile(50), Some(500));
        // Nine of ten are quick.
        let mut durations = vec![180; 9];
        durations.push(5_000);
        assert_eq!(of(&durations).percentile(90), Some(200));
        assert_eq!(of(&durations).percentile(95), Some(6_400));
        assert_eq!(of(&[1_000_000]).percentile(50), Some(460_800));
    }

    proptest! {
        #[test]
        fn a_share_is_never_further_off_than_its_bucket(
            mut durations in prop::collection::vec(1_u64..460_800, 1..200), percent in 1_u64..=100,
        ) {
            let said = of(&durations).percentile(percent).unwrap();
            durations.sort_unstable();
            let place = (durations.len() as u64 * percent).div_ceil(100) as usize - 1;
            let exact = durations[place];
            let bucket = BOUNDS.partition_point(|bound| u64::from(*bound) < exact);
            let lower = bucket.checked_sub(1).map_or(0, |bucket| u64::from(BOUNDS[bucket]));
            prop_assert!((lower..=u64::from(BOUNDS[bucket])).contains(&said), "{said} for {exact}");
        }

        #[test]
        fn counters_are_read_back_and_add_up(
            one in prop::collection::vec(0_u64..900_000, 0..30), other in prop::collection::vec(0_u64..900_000, 0..30),
        ) {
            let mut read = Histogram::default();
            for durations in [&one, &other] {
                for (name, requests) in of(durations).amounts("first") {
                    *read.bucket(name.strip_prefix("first_").unwrap()).unwrap() += requests;
                }
            }
            let mut sum = of(&one);
            sum.add_all(&of(&other));
            prop_assert_eq!(read, sum);
            prop_assert_eq!(sum, of(&[one, other].concat()));
        }
    }
}
