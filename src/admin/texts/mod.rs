//! Every text of the pages. A second language is a second file beside `en.rs`.

mod en;

/// Declares the texts of each page, so that a language that lacks one does not compile.
macro_rules! declare {
    ($($(#[$doc:meta])* $page:ident: $type:ident { $($name:ident)* })*) => {
        /// The texts in one language.
        #[derive(Debug)]
        pub(super) struct Texts {
            /// Its tag, for the page's `lang`.
            pub(super) tag: &'static str,
            $($(#[$doc])* pub(super) $page: $type,)*
        }
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub(super) struct $type {
                $(pub(super) $name: &'static str,)*
            }
        )*
    };
}

declare! {
    /// Around every page.
    frame: Frame { skip pages sign_out }
    /// Errors.
    error: Error { title not_found method foreign stale_form form table fault back }
    /// The login.
    login: Login {
        title lead user password enter wrong too_many again needs_encryption
    }
    /// Abilities of models, and what is said of a model that lacks one.
    ability: Ability { caching thinking vision documents tools json_schema prefill }
    /// The models.
    models: Models {
        title lead default_model also chain chain_context chain_content nobody test_fallback
        prices input output read write write_1h not_known context answer can
        two_days requests failed spend shared test
        healthy unknown failing cooling_down on_probation retired until last_failure
    }
    /// The outcome of a test.
    test: Test {
        title title_fallback works failed back first_token whole cost tokens answered_by trail error reply id
        not_priced no_reply
    }
}

/// The texts in the language of the pages.
pub(super) fn texts() -> &'static Texts {
    &en::TEXTS
}
