//! Upper bounds, in tokens, of what the parts of a prompt can be billed as. Money is held for them before a model
//! counts, so that each is at least what any model makes of the part, for a file that was made to cost more than it
//! looks as well.

mod document;
mod inflate;
mod office;
mod pdf;
mod picture;

pub(super) use document::document_tokens;
pub(super) use picture::picture_tokens;
