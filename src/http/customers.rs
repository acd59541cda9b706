//! `/customer/…`, which LiteLLM also calls `/end_user/…`: the end users that requests name. They are made by use. For the
//! master key.

use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::app::AppState;
use crate::identity::Customer;
use crate::keys::Caller;
use crate::spend::ErasedPerson;
use crate::wire::{ApiError, read};

use super::auth::Admin;
use super::body::RequestBody;
use super::erased::{self, ErasedView, share};
use super::teams::NOTE;

/// Every route of customers.
pub(super) fn routes() -> Router<AppState> {
    let mut router = Router::new();
    for prefix in ["/customer", "/end_user"] {
        router = router
            .route(&format!("{prefix}/info"), get(info))
            .route(&format!("{prefix}/list"), get(list))
            .route(&format!("{prefix}/block"), set_blocked(true))
            .route(&format!("{prefix}/unblock"), set_blocked(false))
            .route(&format!("{prefix}/delete"), post(delete));
    }
    router
}

/// A customer: LiteLLM_EndUserTable.
#[derive(Debug, Serialize)]
struct CustomerView {
    user_id: String,
    blocked: bool,
    alias: Option<()>,
    /// Customers have no budgets; the totals know what was spent for them.
    spend: Option<()>,
    default_model: Option<()>,
    allowed_model_region: Option<()>,
    litellm_budget_table: Option<()>,
    created_at: Timestamp,
    /// The day on which a request last named the customer.
    last_used: Timestamp,
}

impl From<Customer> for CustomerView {
    fn from(customer: Customer) -> Self {
        Self {
            user_id: customer.user_id,
            blocked: customer.blocked,
            alias: None,
            spend: None,
            default_model: None,
            allowed_model_region: None,
            litellm_budget_table: None,
            created_at: customer.created_at,
            last_used: customer.last_used,
        }
    }
}

/// Query of `GET /customer/info`.
#[derive(Debug, Deserialize)]
struct CustomerQuery {
    end_user_id: Option<String>,
}

/// `GET /customer/info?end_user_id=`.
async fn info(
    State(app): State<AppState>,
    Admin(_): Admin,
    query: Result<Query<CustomerQuery>, QueryRejection>,
) -> Result<Json<CustomerView>, ApiError> {
    let Query(query) = query.map_err(|query| ApiError::bad_request(query.body_text(), "query"))?;
    let missing = || ApiError::missing_value("end_user_id", "a customer's id");
    let id = query.end_user_id.ok_or_else(missing)?;
    Ok(Json(app.customers.get(&id).await?.into()))
}

/// `GET /customer/list`: every customer, by id.
async fn list(
    State(app): State<AppState>,
    Admin(_): Admin,
) -> Result<Json<Vec<CustomerView>>, ApiError> {
    let customers = app.customers.list().await?.into_iter();
    Ok(Json(customers.map(CustomerView::from).collect()))
}

/// The body of the changes.
#[derive(Debug, Deserialize)]
struct NamedCustomers {
    user_ids: Vec<String>,
}

/// The answer to `POST /customer/block` and `/customer/unblock`.
#[derive(Debug, Serialize)]
struct CustomersChanged {
    #[serde(rename = "blocked_users")]
    customers: Vec<CustomerView>,
    note: &'static str,
}

/// `POST /customer/block` and `/customer/unblock`: from now on requests that name them are refused, or served again.
fn set_blocked(blocked: bool) -> MethodRouter<AppState> {
    post(
        async move |State(app): State<AppState>,
                    Admin(_): Admin,
                    RequestBody(body): RequestBody| {
            let NamedCustomers { user_ids } = read(&body)?;
            let mut customers = Vec::with_capacity(user_ids.len());
            for id in &user_ids {
                customers.push(app.customers.block(id, blocked).await?.into());
            }
            let changed = CustomersChanged {
                customers,
                note: NOTE,
            };
            Ok::<_, ApiError>(Json(changed).into_response())
        },
    )
}

/// `POST /customer/delete`: what is kept of them is gone, and no record names them any more.
async fn delete(
    State(app): State<AppState>,
    Admin(_): Admin,
    RequestBody(body): RequestBody,
) -> Result<Response, ApiError> {
    #[derive(Serialize)]
    struct CustomerDeleted {
        user_id: String,
        #[serde(flatten)]
        erased: ErasedView,
    }
    #[derive(Serialize)]
    struct AllCustomersDeleted {
        deleted_customers: Vec<CustomerDeleted>,
        note: &'static str,
    }
    #[derive(Deserialize)]
    struct CustomerErasure {
        user_ids: Vec<String>,
        before: Option<Timestamp>,
    }
    let CustomerErasure { user_ids, before } = read(&body)?;
    let limit = share(user_ids.len());
    let mut deleted = Vec::with_capacity(user_ids.len());
    for id in user_ids {
        let person = ErasedPerson::Customer(id.clone());
        let erased = erased::erase(&app, person, before, limit).await?;
        app.customers.delete(&id).await?;
        deleted.push(CustomerDeleted {
            user_id: id,
            erased,
        });
    }
    let deleted = AllCustomersDeleted {
        deleted_customers: deleted,
        note: erased::NOTE,
    };
    Ok(Json(deleted).into_response())
}

/// Refuses a request that names a blocked customer, and notes the use of any other.
pub(super) async fn check(
    app: &AppState,
    customer: Option<&str>,
    caller: &Caller,
) -> Result<(), ApiError> {
    let Some(id) = customer.filter(|id| !id.is_empty()) else {
        return Ok(());
    };
    if is_blocked(app, id, caller).await? {
        let message = format!(
            "User blocked from making LLM API Calls. User={id}. Whoever holds the master key can let them in again with \
             /customer/unblock."
        );
        let kind = "auth_error";
        return Err(ApiError::new(http::StatusCode::FORBIDDEN, kind, message));
    }
    app.customers.note_use(id, &caller.key_hash);
    Ok(())
}

/// Whether the customer is blocked. The master key is answered with the table down, too.
async fn is_blocked(app: &AppState, id: &str, caller: &Caller) -> Result<bool, ApiError> {
    const LONGEST_WAIT: Duration = Duration::from_millis(100);
    let blocked = app.customers.is_blocked(id);
    if !caller.is_admin() {
        return Ok(blocked.await?);
    }
    match timeout(LONGEST_WAIT, blocked).await {
        Ok(Ok(blocked)) => Ok(blocked),
        Ok(Err(error)) => {
            tracing::warn!(%error, "whether a customer is blocked is not known");
            Ok(false)
        }
        Err(_) => Ok(false),
    }
}
