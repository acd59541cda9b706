//! What vectors and the order of documents can cost at most.

use rust_decimal::Decimal;

use crate::catalog::Price;
use crate::chain::RetrievalOffer;
use crate::retrieval::{RetrievalRequest, most_search_units};

use super::{FRAME, window};

const MILLION: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

/// US dollars that these calls cost at most: a token for each byte of a text and what surrounds it, but no more than the
/// model takes of one; for documents in order as many searches as there can be. `None`: the price is not known.
pub(in crate::keys) fn retrieval_cost(
    offer: &RetrievalOffer<'_>,
    price: &Price,
) -> Option<Decimal> {
    match offer.request {
        RetrievalRequest::Embed(request) => {
            let window = window(offer.target.model());
            let texts = offer.inputs.iter().filter_map(|at| request.texts.get(*at));
            let tokens: u64 = texts
                .map(|text| (FRAME + text.len() as u64).min(window))
                .sum();
            Some(Decimal::from(tokens) * price.rates(tokens).input / MILLION)
        }
        RetrievalRequest::Rerank(request) => {
            let searches = Decimal::from(most_search_units(request));
            Some(searches * price.per_query?)
        }
    }
}
