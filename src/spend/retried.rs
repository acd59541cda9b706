//! How often a request was asked again.

use super::Attempt;

/// Retries and fallbacks of one request, as LiteLLM counts them. There is no other count of them: headers, log lines,
/// records and metrics have this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retried {
    /// Calls beyond the first of a group, whichever of its deployments took them.
    pub retries: usize,
    /// Groups of the chain beyond the first, whether they were called or passed over because they rest.
    pub fallbacks: usize,
}

impl Retried {
    /// Counts the attempts of one request, all of them.
    pub fn of(attempts: &[Attempt]) -> Retried {
        let made = attempts.iter().filter(|attempt| attempt.was_called());
        Retried {
            retries: made.clone().count() - groups(made),
            fallbacks: groups(attempts.iter()).saturating_sub(1),
        }
    }
}

/// How many groups of the chain these attempts are of. One group stands in a chain again where a request names it with
/// other fields; records of version 0.1 know a group by its name alone.
fn groups<'a>(attempts: impl Iterator<Item = &'a Attempt>) -> usize {
    let mut groups: Vec<(u32, &str)> = attempts
        .map(|attempt| (attempt.hop, attempt.group.as_str()))
        .collect();
    groups.sort_unstable();
    groups.dedup();
    groups.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(hop: u32, group: &str, deployment: &str) -> Attempt {
        Attempt {
            group: group.to_owned(),
            hop,
            deployment: deployment.to_owned(),
            ..Attempt::default()
        }
    }

    fn counts(attempts: &[Attempt]) -> (usize, usize) {
        let Retried { retries, fallbacks } = Retried::of(attempts);
        (retries, fallbacks)
    }

    #[test]
    fn a_retry_is_another_call_of_a_group_and_a_fallback_another_group() {
        assert_eq!(counts(&[]), (0, 0));
        assert_eq!(counts(&[called(0, "a", "1")]), (0, 0));
        let siblings = [called(0, "a", "1"), called(0, "a", "2")];
        assert_eq!(counts(&siblings), (1, 0));
        let chain = [
            called(0, "a", "1"),
            called(0, "a", "1"),
            called(1, "b", "3"),
            called(2, "c", "4"),
            called(2, "c", "5"),
        ];
        assert_eq!(counts(&chain), (2, 2));
        // The request names its own group again, with other fields.
        let changed = [called(0, "a", "1"), called(1, "a", "1")];
        assert_eq!(counts(&changed), (0, 1));
    }

    #[test]
    fn a_group_that_rests_is_left_behind_without_a_call() {
        let rests = called(0, "a", "1").skipped();
        assert_eq!(counts(&[rests.clone(), called(0, "a", "2")]), (0, 0));
        assert_eq!(counts(&[rests.clone(), called(1, "b", "3")]), (0, 1));
        let last_resort = [rests, called(1, "b", "3"), called(0, "a", "1")];
        assert_eq!(counts(&last_resort), (0, 1));
    }

    #[test]
    fn attempts_of_version_0_1_are_told_apart_by_their_groups() {
        let attempts = [
            called(0, "a", "1"),
            called(0, "b", "2"),
            called(0, "b", "2"),
        ];
        assert_eq!(counts(&attempts), (1, 1));
    }
}
