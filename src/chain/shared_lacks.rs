//! What targets turned out to lack, as instances tell each other through the table.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::bedrock::Feature;
use crate::bedrock::plan::Marks;
use crate::store::{Item, StoreError, keys};

use super::learned_lacks::{Lack, Learned};
use super::omitted::RefusedFeature;
use super::routes::Routes;
use super::shared_state::SharedState;
use super::target::Target;
use crate::clock::Clock;

/// What a target lacks, as the table keeps it under the target's id and the lack's name.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredLack {
    deployment: String,
    feature: String,
    /// Under this name in the table because betas were the first.
    #[serde(default, rename = "betas")]
    only_with: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    since: Timestamp,
    until: Timestamp,
}

impl StoredLack {
    fn item(deployment: &str, lack: Lack) -> Result<Item, StoreError> {
        let key = keys::learned(deployment, &lack.name());
        let stored = Self {
            deployment: deployment.to_owned(),
            feature: lack.feature.name().to_owned(),
            only_with: lack.only_with,
            limit: lack.feature.limit(),
            since: lack.since,
            until: lack.until,
        };
        Item::new(&key, &stored)
    }

    /// `None`: a feature that another version of the gateway knows.
    fn lack(self) -> Option<Lack> {
        Some(Lack {
            feature: Feature::of_model(&self.feature, self.limit)?,
            only_with: self.only_with,
            since: self.since,
            until: self.until,
        })
    }

    /// Takes it over from the instance that has written it.
    pub(super) fn adopt(mut self, learned: &Learned, clock: &Clock) {
        let deployment = std::mem::take(&mut self.deployment);
        if let Some(lack) = self.lack() {
            learned.adopt(&deployment, lack, clock.now());
        }
    }
}

impl SharedState {
    /// Tells the others that a target lacks something.
    fn share_lack(&self, deployment: &str, lack: Lack) -> JoinHandle<()> {
        let until = lack.until;
        let item = StoredLack::item(deployment, lack);
        self.write_item(item.map(|item| item.expires(until)), "what a target lacks")
    }
}

impl Routes {
    /// Remembers that a target lacks a feature, and tells other instances. `marks` are those of the refused request.
    pub(super) fn remember_lack(
        &self,
        target: &Target,
        refusal: RefusedFeature,
        marks: Marks,
    ) -> Option<JoinHandle<()>> {
        let (deployment, now) = (target.deployment_id(), self.clock().now());
        let lack = self.learned().remember(deployment, refusal, marks, now)?;
        tracing::info!(deployment, lack = lack.name(), "a target lacks something");
        Some(self.shared_state.as_ref()?.share_lack(deployment, lack))
    }

    /// Forgets that a deployment lacks something (by [`Lack::name`]): here at once, and on every other instance within
    /// 10 s. What is not known is forgotten already.
    ///
    /// # Errors
    /// When the table does not take it; here it is forgotten all the same.
    pub async fn forget_lack(&self, deployment: &str, name: &str) -> Result<(), StoreError> {
        let known = self.learned().forget(deployment, name);
        let Some(shared_state) = &self.shared_state else {
            return Ok(());
        };
        let key = keys::learned(deployment, name);
        let known = match known {
            Some(lack) => Some(lack),
            // Another instance has made the page.
            None => {
                let stored: Option<StoredLack> = shared_state.table.get(&key).await?;
                stored.and_then(StoredLack::lack)
            }
        };
        let Some(lack) = known else {
            return Ok(());
        };
        tracing::info!(deployment, lack = lack.name(), "forgotten from now on");
        // The item stays until every instance has forgotten it, with its time over.
        let known_until = lack.until;
        let forgotten = Lack {
            until: self.clock().now(),
            ..lack
        };
        let item = StoredLack::item(deployment, forgotten)?;
        shared_state.table.put(item.expires(known_until)).await
    }
}
