//! From the id a deployment names to the model behind it.

use super::Catalog;
use super::entry::CatalogEntry;
use super::entry::Layer;
use super::family::Family;
use super::id::{ModelId, without_window};
use super::kind::ModelKind;
use super::lifecycle::Lifecycle;
use super::model::{Abilities, Caching, Limits, Model, ThinkingSupport};
use super::place::PricePlace;
impl Caching {
    /// The smallest prefix most models cache
    /// (<https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html>).
    pub const COMMON_MINIMUM: u32 = 1_024;
}

impl Catalog<'_> {
    /// What is known of the model that a deployment names.
    ///
    /// First the id itself, with the region's own price where there is one; then the id without its geographic
    /// prefix, its price, which is another place's, marked [`from_base`](super::Price::from_base); then `base_model`, for ids and ARNs that do
    /// not tell which model is behind them. ARNs of inference profiles and foundation models are read like the id
    /// they end with. What is left is unknown: see [`Model::unknown`].
    pub fn resolve(&self, model_id: &str, region: Option<&str>, base_model: Option<&str>) -> Model {
        let named = ModelId::parse(model_id);
        let region = region.or(named.region);
        named
            .plain
            .and_then(|id| self.find(id, region))
            .or_else(|| {
                let base = ModelId::parse(base_model?).plain?;
                self.find(base, region)
            })
            .unwrap_or_else(|| {
                let id = base_model.unwrap_or(model_id);
                Model {
                    lifecycle: self.lifecycle_without_entry(id),
                    ..Model::unknown(id)
                }
            })
    }

    /// Whether [`Catalog::resolve`] finds this id in the catalog.
    pub fn knows(&self, model_id: &str) -> bool {
        let Some(id) = ModelId::parse(model_id).plain.map(without_window) else {
            return false;
        };
        let base = id.split_once('.').map(|(_, base)| base);
        [Some(id), base]
            .into_iter()
            .flatten()
            .any(|id| self.models.contains_key(id) || self.added.contains_key(id))
    }

    /// Every id that can be called, with its model: base ids and inference profiles, sorted.
    pub fn iter(&self) -> impl Iterator<Item = Model> + '_ {
        let bases = self.bases().into_iter();
        let mut models: Vec<Model> = bases.flat_map(|base| self.callable(base)).collect();
        models.sort_by(|a, b| a.id.cmp(&b.id));
        models.into_iter()
    }

    /// The ids under which one base id can be called, with their models.
    fn callable(&self, base: &str) -> Vec<Model> {
        let Some(entry) = self.entry(base) else {
            return Vec::new();
        };
        let corrected = self.corrected(base, base, entry.base.clone());
        let varied = entry.variants.iter().flat_map(|variant| &variant.names);
        let profiles = entry.profiles.iter().chain(&corrected.profiles);
        let profiles = profiles.chain(varied).filter(|name| !is_region(name));
        let profiles = profiles.map(|name| {
            let id = format!("{name}.{base}");
            let model = self.of_profile(&id, name, base, &entry);
            Model { id, ..model }
        });
        let own = (!entry.profile_only)
            .then(|| self.build(base, base, &entry, &PricePlace::of_region(None)));
        own.into_iter().chain(profiles).collect()
    }

    /// The known id most like this one, for a hint beside "unknown".
    pub fn nearest(&self, id: &str) -> Option<String> {
        let id = ModelId::parse(id).plain?;
        self.iter()
            .map(|model| (strsim::damerau_levenshtein(&model.id, id), model.id))
            .min()
            .filter(|(distance, _)| *distance <= 10 && *distance * 3 < id.len())
            .map(|(_, id)| id)
    }

    fn find(&self, id: &str, region: Option<&str>) -> Option<Model> {
        let id = without_window(id);
        if let Some(entry) = self.entry(id) {
            return Some(self.build(id, id, &entry, &PricePlace::of_region(region)));
        }
        let (prefix, base) = id.split_once('.')?;
        Some(self.of_profile(id, prefix, base, &self.entry(base)?))
    }

    fn of_profile(&self, id: &str, prefix: &str, base: &str, entry: &CatalogEntry) -> Model {
        let place = PricePlace::of_profile(prefix);
        let mut model = self.build(id, base, entry, &place);
        let is_known = entry.profiles.iter().any(|profile| profile == prefix)
            || entry.variant(&place).is_some();
        if !is_known {
            base.clone_into(&mut model.id);
        }
        model
    }

    fn build(&self, id: &str, base: &str, entry: &CatalogEntry, place: &PricePlace<'_>) -> Model {
        let (layer, from_base) = entry.at(place);
        let layer = self.corrected(id, base, layer);
        Model {
            lifecycle: self.lifecycle_of(id, base, layer.end_of_life),
            ..layer.model(id, base, from_base)
        }
    }

    fn corrected(&self, id: &str, base: &str, mut layer: Layer) -> Layer {
        for correction in &self.corrections {
            if correction.applies_to(id, base) {
                match correction.layer() {
                    Ok(fact) => layer.lay(&fact),
                    Err(error) => {
                        unreachable!("no catalog has a correction that cannot be read: {error}")
                    }
                }
            }
        }
        layer
    }
}

/// Regions end in a number, geographic prefixes never do.
fn is_region(name: &str) -> bool {
    name.ends_with(|last: char| last.is_ascii_digit())
}

impl Model {
    /// A model the catalog does not know, with what can be assumed without harm.
    ///
    /// Assumed are the things nearly every model of today does and whose absence would cripple an agent: a system
    /// prompt, tools (streaming too: a refusal is recognised and learned from), pictures, sampling parameters. Not
    /// assumed is what makes a request fail where the model lacks it and costs little to leave out: cache points,
    /// thinking, documents, forced tools, prefill, schemas. Limits are open and the price is unknown, never zero. An
    /// embedding model, or another that is no chat model by its name, can nothing of all that.
    pub fn unknown(id: &str) -> Self {
        let family = Family::of(id);
        let kind = ModelId::parse(id)
            .plain
            .map_or(ModelKind::Unknown, ModelKind::of);
        Self {
            id: id.to_owned(),
            family,
            limits: Limits::default(),
            price: None,
            abilities: if kind.is_no_chat() {
                Abilities::default()
            } else {
                Abilities {
                    thinking: ThinkingSupport::None,
                    vision: true,
                    tools: true,
                    tools_while_streaming: true,
                    system: true,
                    sampling: true,
                    stop_sequences: true,
                    // Every Claude of today; a refusal is learned from.
                    eager_tool_input: family == Family::Claude,
                    text_beside_results: !matches!(family, Family::Llama | Family::Mistral),
                    ..Abilities::default()
                }
            },
            lifecycle: Lifecycle::default(),
            kind,
            retrieval: None,
            converse: !kind.is_no_chat(),
            known: false,
        }
    }
}
