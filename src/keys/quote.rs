//! What a request may cost at most: an upper bound over every target that it may come to, before any is asked.

use std::sync::Arc;

use rust_decimal::Decimal;

use crate::bedrock::plan::{longest_answer, terms};
use crate::catalog::{Model, Rates};
use crate::chain::Target;
use crate::config::Defaults;
use crate::conversation::Request;

/// A shorter answer than this is not worth asking for: agents take it for a whole one.
pub const LEAST_ANSWER: u32 = 1_024;

/// A target, and what it would be asked.
#[derive(Debug, Clone, Copy)]
pub struct Leg<'a> {
    /// The deployment's group, for messages.
    pub group: &'a str,
    /// The model with its price.
    pub model: &'a Model,
    /// What the deployment says where the request says nothing.
    pub defaults: &'a Defaults,
    /// The request.
    pub request: &'a Request,
}

/// A target whose price nobody knows: no budget can be kept with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpriced {
    /// The group.
    pub group: String,
}

/// What one target may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bound {
    prompt: Decimal,
    answer: u32,
    per_token: Decimal,
}

impl Bound {
    fn total(&self) -> Decimal {
        self.prompt + self.per_token * Decimal::from(self.answer)
    }
}

/// Legs for the targets of a chain, where a target without a request of its own is asked `request`.
pub fn legs<'a>(
    chain: &'a [(Arc<Target>, Option<Arc<Request>>)],
    request: &'a Request,
) -> Vec<Leg<'a>> {
    let legs = chain.iter().map(|(target, own)| Leg {
        group: target.group(),
        model: target.model(),
        defaults: target.defaults(),
        request: own.as_deref().unwrap_or(request),
    });
    legs.collect()
}

/// US dollars that the dearest of these takes at most, if the request fails nowhere after its answer has begun.
///
/// # Errors
/// When a price among them is unknown.
pub fn most(legs: &[Leg<'_>]) -> Result<Decimal, Unpriced> {
    let mut most = Decimal::ZERO;
    for leg in legs {
        most = most.max(leg.bound()?.total());
    }
    Ok(most)
}

/// The length of answer that fits into `left` dollars on every target, if the client has set none; `None`: none that
/// is worth asking for, or a target is dearer with the length that was asked of it.
///
/// # Errors
/// When a price among them is unknown.
pub fn fitting_answer(legs: &[Leg<'_>], left: Decimal) -> Result<Option<u32>, Unpriced> {
    let mut fitting = u32::MAX;
    for leg in legs {
        let bound = leg.bound()?;
        if leg.request.sampling.max_tokens.is_some() {
            if bound.total() > left {
                return Ok(None);
            }
            continue;
        }
        let tokens = (left - bound.prompt).checked_div(bound.per_token);
        let tokens = tokens.map_or(u32::MAX, |tokens| {
            u32::try_from(tokens.trunc().max(Decimal::ZERO)).unwrap_or(u32::MAX)
        });
        fitting = fitting.min(tokens).min(bound.answer);
    }
    Ok((LEAST_ANSWER..u32::MAX)
        .contains(&fitting)
        .then_some(fitting))
}

impl Leg<'_> {
    fn bound(&self) -> Result<Bound, Unpriced> {
        let terms = terms(self.request, self.defaults);
        let price = self.model.price.as_ref();
        let Some(price) = price.and_then(|price| price.under(&terms)) else {
            let group = self.group.to_owned();
            return Err(Unpriced { group });
        };
        // Estimates elsewhere count four bytes to a token; three is what the densest text comes to.
        let tokens = (self.request.estimated_prompt_tokens() * 4).div_ceil(3) + 1;
        let rates = price.rates(tokens);
        let million = Decimal::from(1_000_000);
        Ok(Bound {
            prompt: Decimal::from(tokens) * prompt_rate(rates) / million,
            answer: longest_answer(self.request, self.model, self.defaults),
            per_token: rates.output / million,
        })
    }
}

/// The whole prompt may be written to the cache, for an hour.
fn prompt_rate(rates: &Rates) -> Decimal {
    let writes = [rates.cache_write_5m, rates.cache_write_1h];
    writes.into_iter().flatten().fold(rates.input, Decimal::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::conversation::{Part, Role, Turn};

    const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    const NOVA: &str = "us.amazon.nova-pro-v1:0";

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn model(id: &str) -> Model {
        Catalog::bundled().resolve(id, None, None)
    }

    fn request(bytes: usize, max_tokens: Option<u32>) -> Request {
        let mut request = Request {
            turns: vec![Turn {
                role: Role::User,
                parts: vec![Part::Text("x".repeat(bytes))],
            }],
            ..Request::default()
        };
        request.sampling.max_tokens = max_tokens;
        request
    }

    fn leg<'a>(model: &'a Model, defaults: &'a Defaults, request: &'a Request) -> Leg<'a> {
        Leg {
            group: "g",
            model,
            defaults,
            request,
        }
    }

    #[test]
    fn the_dearest_target_counts_with_its_dearest_rates() {
        let (sonnet, nova, defaults) = (model(SONNET), model(NOVA), Defaults::default());
        let short = request(400, Some(1000));
        let of = |legs: &[Leg<'_>]| most(legs).unwrap();
        let by_sonnet = leg(&sonnet, &defaults, &short);
        // 135 tokens at 6.6, the one-hour write, and 1,000 at 16.5.
        assert_eq!(of(&[by_sonnet]), d("0.017391"));
        let by_nova = leg(&nova, &defaults, &short);
        assert!(of(&[by_nova]) < of(&[by_sonnet]));
        assert_eq!(of(&[by_nova, by_sonnet]), of(&[by_sonnet]));
        // Above 200,000 tokens everything is dearer.
        let long = request(800_000, Some(1000));
        let bound = of(&[leg(&sonnet, &defaults, &long)]);
        assert_eq!(bound, d("266668") * d("0.0000132") + d("0.02475"));
        // Without a length of its own: the default.
        let open = request(400, None);
        assert_eq!(
            of(&[leg(&sonnet, &defaults, &open)]),
            d("0.000891") + d("16384") * d("0.0000165")
        );
    }

    #[test]
    fn an_answer_is_shortened_to_what_fits_on_every_target() {
        let (sonnet, nova, defaults) = (model(SONNET), model(NOVA), Defaults::default());
        let (open, set) = (request(400, None), request(400, Some(1000)));
        let legs = [leg(&nova, &defaults, &open), leg(&sonnet, &defaults, &open)];
        let fits = |left: &str| fitting_answer(&legs, d(left)).unwrap();
        let tokens = fits("0.05").unwrap();
        assert_eq!(tokens, 2976);
        let shortened = request(400, Some(tokens));
        let legs_then = legs.map(|leg| Leg {
            request: &shortened,
            ..leg
        });
        assert!(most(&legs_then).unwrap() <= d("0.05"));
        assert_eq!(fits("0.0177"), None, "fewer than 1,024 are not worth it");
        assert_eq!(fits("-1"), None);
        // What the client has set is not changed.
        let mixed = [leg(&nova, &defaults, &open), leg(&sonnet, &defaults, &set)];
        assert_eq!(fitting_answer(&mixed, d("0.017")).unwrap(), None);
        assert!(fitting_answer(&mixed, d("0.018")).unwrap().is_some());
    }

    #[test]
    fn an_unknown_price_is_told() {
        let (unknown, defaults) = (model("nobody.knows-v1:0"), Defaults::default());
        let request = request(4, None);
        assert!(most(&[leg(&unknown, &defaults, &request)]).is_err());
        assert_eq!(most(&[]).unwrap(), Decimal::ZERO);
    }
}
