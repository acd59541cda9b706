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
        title lead default_model pattern also chain chain_context chain_content nobody test_fallback
        prices input output read write write_1h not_known context answer can
        two_days requests failed spend shared test
        healthy unknown failing cooling_down on_probation retired until last_failure
    }
    /// The outcome of a test.
    test: Test {
        title title_fallback works failed back first_token whole cost tokens answered_by trail error reply id
        not_priced no_reply
    }
    /// The settings.
    settings: Settings {
        title version saved_at of_file unsaved save discard reset is_saved conflict theirs yours no_list invalid misfit concerns
        general general_lead context context_lead content content_lead order order_lead all_others
        begin begin_with add up down remove drop as_file choose model lacks instead_of nobody yaml yaml_lead copy copied unknown_button
    }
    /// The usage.
    usage: Usage {
        title today week days30 month from to show csv not_a_day nothing unpriced none
        spend requests average tokens_in tokens_out hit_rate saved uncached read written answered failed none_failed
        spend_by_day requests_by_day see_table by_model by_key by_tag by_day model key tag day
        column_failed column_in column_read column_written column_out no_key master_key no_model
    }
}

/// The texts in the language of the pages.
pub(super) fn texts() -> &'static Texts {
    &en::TEXTS
}
