//! What a LiteLLM proxy has in its database moves over by the commands `from-litellm`.

mod keys;
mod models;
