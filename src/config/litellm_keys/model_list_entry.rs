//! An entry of `model_list`.

use super::LitellmSupport::Works;
use super::reasons::*;
use super::{LitellmKey, Rows, Section};

const ROWS: Rows = Rows(Section::ModelListEntry);

pub(super) const KEYS: &[LitellmKey] = &[
    ROWS.key("blocked", ASKED_ALL_THE_SAME),
    ROWS.key("litellm_params", Works),
    ROWS.key("max_parallel_requests", Works),
    ROWS.key("model_info", Works),
    ROWS.key("model_name", Works),
    ROWS.key("rpm", Works),
    ROWS.key("tpm", Works),
];
