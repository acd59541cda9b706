//! Where a model is called, and whose price holds there.
//!
//! AWS sells a model at two levels: by its `global` profile, and everywhere else, where a call of the base id costs what
//! the geographic profile of its region does: a tenth more than the global one for Claude from 4.5 on, Nova 2 and
//! OpenAI's models. The partition of GovCloud has prices of its own
//! (<https://platform.claude.com/docs/en/build-with-claude/claude-on-amazon-bedrock>,
//! <https://github.com/BerriAI/litellm/issues/42679>).

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::entry::{CatalogEntry, Layer, PriceRow, Variant};

/// A place: what an id or its region says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PricePlace<'a> {
    /// By an inference profile with this geographic prefix.
    Profile(&'a str),
    /// By the base id in this region.
    Region(&'a str),
    /// By the base id, somewhere.
    Anywhere,
}

/// The profiles whose price holds at a place that has none of its own, by the beginning of a region or by a prefix. The
/// first that has one decides.
const NEIGHBOURS: [(&str, &[&str]); 11] = [
    ("us-gov", &["us-gov", "us-gov-west-1", "us-gov-east-1"]),
    ("us-", &["us"]),
    ("ca-", &["us"]),
    ("eu-", &["eu"]),
    ("ap-northeast-1", &["jp", "apac"]),
    ("ap-northeast-3", &["jp", "apac"]),
    ("ap-southeast-2", &["au", "apac"]),
    ("ap-southeast-4", &["au", "apac"]),
    ("ap-", &["apac"]),
    ("jp", &["apac"]),
    ("au", &["apac"]),
];

impl<'a> PricePlace<'a> {
    pub(super) fn of_profile(prefix: &'a str) -> Self {
        Self::Profile(prefix)
    }

    pub(super) fn of_region(region: Option<&'a str>) -> Self {
        region.map_or(Self::Anywhere, Self::Region)
    }

    fn name(&self) -> &'a str {
        match self {
            Self::Profile(name) | Self::Region(name) => name,
            Self::Anywhere => "",
        }
    }

    /// The names of the places whose price holds here.
    pub(super) fn neighbours(&self) -> &'static [&'static str] {
        let mut known = NEIGHBOURS.iter();
        let found = known.find(|(start, _)| self.name().starts_with(start));
        found.map_or(&[], |(_, names)| names)
    }

    fn is_gov(&self) -> bool {
        self.name().starts_with("us-gov")
    }
}

impl CatalogEntry {
    /// What is known of the model at a place, and whether its price is another place's.
    pub(super) fn at(&self, place: &PricePlace<'_>) -> (Layer, bool) {
        let (mut layer, from_base) = self.layer_at(place);
        let own = layer.price.as_ref().map(PriceRow::input);
        let dearer = own.zip(self.global_input());
        layer.percent_over_global = dearer.and_then(|(own, global)| {
            let percent = (own - global).checked_div(global)? * Decimal::ONE_HUNDRED;
            (own > global).then(|| percent.round_dp(1).normalize())
        });
        (layer, from_base)
    }

    /// What input costs by the global profile, if there is one.
    fn global_input(&self) -> Option<Decimal> {
        let own = self.named("global").and_then(|layer| layer.price.as_ref());
        let is_base = self.profiles.iter().any(|profile| profile == "global");
        let base = self.base.price.as_ref().filter(|_| is_base);
        own.or(base).map(PriceRow::input)
    }

    fn layer_at(&self, place: &PricePlace<'_>) -> (Layer, bool) {
        let mut layer = self.base.clone();
        layer.one_hour = self.takes_hours();
        if let Some(own) = self.variant(place) {
            layer.lay(own);
            return (layer, false);
        }
        let is_listed = |prefix: &str| self.profiles.iter().any(|profile| profile == prefix);
        if let PricePlace::Profile(prefix) = place
            && (is_listed(prefix) || *prefix == "global")
        {
            return (layer, !is_listed(prefix));
        }
        let mut names = place.neighbours().iter();
        let near = names.find_map(|name| self.named(name));
        if let Some(near) = near.filter(|near| near.price.is_some()) {
            layer.lay_price(near);
            return (layer, matches!(place, PricePlace::Profile(_)));
        }
        // What is left: another geography's price, where the base id's is the global one.
        let base_is_global = self.named("global").is_none();
        if let Some(us) = self.named("us").filter(|_| base_is_global) {
            layer.lay_price(us);
        }
        let is_at_home = match place {
            PricePlace::Anywhere => true,
            PricePlace::Region(region) => {
                !place.is_gov() && (region.starts_with("us-") || self.has_one_level())
            }
            PricePlace::Profile(_) => false,
        };
        (layer, !is_at_home)
    }

    /// One-hour cache points are taken at some place.
    fn takes_hours(&self) -> bool {
        let varied = self.variants.iter().map(|variant| &variant.has);
        let mut layers = std::iter::once(&self.base).chain(varied);
        layers.any(Layer::has_hours)
    }

    /// Whether all geographies, so far as they are known, cost the same.
    fn has_one_level(&self) -> bool {
        let names = |variant: &&Variant| {
            let mut names = variant.names.iter();
            names.any(|name| name == "global" || name.starts_with("us-gov"))
        };
        let geographies = self.variants.iter().filter(|variant| !names(variant));
        let inputs: BTreeSet<_> = geographies
            .filter_map(|variant| variant.has.price.as_ref())
            .map(PriceRow::input)
            .collect();
        inputs.len() <= 1
    }

    /// What a place has of its own. GovCloud is one place: its regions and its profile differ from the rest, not from
    /// each other.
    pub(super) fn variant(&self, place: &PricePlace<'_>) -> Option<&Layer> {
        let own = self.named(place.name());
        own.or_else(|| {
            let mut names = place.neighbours().iter().filter(|_| place.is_gov());
            names.find_map(|name| self.named(name))
        })
    }

    fn named(&self, name: &str) -> Option<&Layer> {
        let mut variants = self.variants.iter();
        variants
            .find(|variant| variant.names.iter().any(|known| known == name))
            .map(|variant| &variant.has)
    }
}
