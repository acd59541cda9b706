//! Whose request it is: a person's or a key's own, held to the same limits and budgets as any other of theirs. Whoever has
//! signed in with the password asks as the pages themselves.

use http::StatusCode;

use super::super::error::PageError;
use super::super::session::{Session, SignedIn};
use super::super::texts::texts;
use crate::app::AppState;
use crate::identity::KeyOwners;
use crate::keys::{Caller, KeyRefusal, Person};

/// The name of the pages themselves in records.
const PAGES: &str = "admin page";

/// The caller that a session asks as. The error says that there is none, as it does where the person or the key is blocked.
pub(super) async fn of(app: &AppState, session: &Session) -> Result<Caller, PageError> {
    let found = match &session.who {
        SignedIn::Password => return Ok(pages()),
        SignedIn::Person(person) => {
            let person = Person {
                principal: &person.principal,
                issuer: &person.issuer,
                user_id: &person.user_id,
                label: &person.label,
                team: person.team.as_deref(),
                models: person.models.as_deref(),
            };
            app.keys.caller_of_person(person).await
        }
        SignedIn::Key(hash) => match app.keys.present_hash(hash).await {
            Ok(presented) => presented.revalidate().await,
            Err(refusal) => Err(refusal),
        },
    };
    found.map_err(|refusal| match refusal {
        KeyRefusal::Table(_) => {
            PageError::new(StatusCode::SERVICE_UNAVAILABLE, texts().error.table)
        }
        _ => PageError::new(StatusCode::FORBIDDEN, texts().playground.blocked),
    })
}

fn pages() -> Caller {
    Caller {
        key_hash: String::new(),
        alias: PAGES.to_owned(),
        store_prompts: None,
        virtual_key: None,
        owners: KeyOwners::default(),
    }
}
