//! Which of several siblings is asked first: by `order`, then the one that is the session's own, or by chance, both
//! weighted; the rest stand in reserve.

use std::sync::{Arc, Mutex, PoisonError};

use fastrand::Rng;

use super::affinity::AffinitySession;
use super::target::Target;

/// The targets of one group, each with its weight.
#[derive(Debug, Default)]
pub(super) struct Siblings {
    /// In the file's order.
    pub(super) targets: Vec<Arc<Target>>,
    pub(super) weights: Vec<f64>,
}

/// Chance, from a seed where a test wants the same every time.
#[derive(Debug)]
pub(super) struct LoadBalance(Mutex<Rng>);

impl Default for LoadBalance {
    fn default() -> Self {
        Self(Mutex::new(Rng::new()))
    }
}

impl LoadBalance {
    pub(super) fn seeded(seed: u64) -> Self {
        Self(Mutex::new(Rng::with_seed(seed)))
    }

    /// The siblings in the order in which they are asked. Those with a lower `order` come first, those without one
    /// last; among equals each draw goes by weight, and a target without weight comes after all that have one. A session's
    /// order is always the same.
    pub(super) fn order(
        &self,
        siblings: &Siblings,
        session: Option<&AffinitySession>,
    ) -> Vec<Arc<Target>> {
        let Siblings { targets, weights } = siblings;
        if targets.len() < 2 {
            return targets.clone();
        }
        if let Some(session) = session {
            return order_of_session(siblings, session);
        }
        let mut left: Vec<(&f64, &Arc<Target>)> = weights.iter().zip(targets).collect();
        left.sort_by_key(|(_, target)| target.deployment().limits.order.unwrap_or(u32::MAX));
        let mut random = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ordered = Vec::with_capacity(left.len());
        while let Some((_, first)) = left.first() {
            let order = first.deployment().limits.order;
            let equals = left
                .iter()
                .take_while(|(_, target)| target.deployment().limits.order == order)
                .map(|(weight, _)| **weight);
            let drawn = draw(&mut random, &equals.collect::<Vec<_>>());
            ordered.push(Arc::clone(left.remove(drawn).1));
        }
        ordered
    }
}

fn order_of_session(siblings: &Siblings, session: &AffinitySession) -> Vec<Arc<Target>> {
    let weighed = siblings.weights.iter().zip(&siblings.targets);
    let mut scored: Vec<(u32, f64, &Arc<Target>)> = weighed
        .map(|(weight, target)| {
            let order = target.deployment().limits.order.unwrap_or(u32::MAX);
            let score = session.score(target.deployment_id(), *weight);
            (order, score, target)
        })
        .collect();
    scored.sort_by(|one, other| one.0.cmp(&other.0).then(other.1.total_cmp(&one.1)));
    let ordered = scored.into_iter();
    ordered.map(|(_, _, target)| Arc::clone(target)).collect()
}

/// The index of one of these weights, by chance. Where nothing weighs anything, the first.
fn draw(random: &mut Rng, weights: &[f64]) -> usize {
    let total: f64 = weights.iter().sum();
    let mut point = random.f64() * total;
    for (index, weight) in weights.iter().enumerate() {
        if point < *weight {
            return index;
        }
        point -= weight;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_go_by_weight() {
        let mut random = Rng::with_seed(7);
        let mut drawn = [0_u32; 3];
        for _ in 0..10_000 {
            drawn[draw(&mut random, &[3.0, 1.0, 0.0])] += 1;
        }
        assert!((7_300..7_700).contains(&drawn[0]), "{drawn:?}");
        assert_eq!(drawn[2], 0);
        assert_eq!(draw(&mut random, &[0.0, 0.0]), 0);
    }
}
