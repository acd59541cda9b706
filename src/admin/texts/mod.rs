//! Every text of the pages. A second language is a second folder beside `en`.

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
    layout: Layout { skip pages sign_out sign_out_everywhere }
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
        learned without learned_until forget tools_while_streaming forced_tool_choice
        required_tool_choice named_tool_choice strict_tools betas eager_tool_input max_tokens
    }
    /// The outcome of a test.
    test: Test {
        title title_fallback works failed back first_token whole cost tokens answered_by trail error reply id
        not_priced no_reply
    }
    /// The settings.
    settings: Settings {
        title version saved_at of_file unsaved save discard reset is_saved conflict theirs yours no_list invalid misfit warnings
        general general_lead context context_lead content content_lead order order_lead all_others
        begin begin_with add up down remove drop as_file choose model lacks instead_of nobody yaml yaml_lead copy copied unknown_button
    }
    /// Budgets, wherever they are shown.
    budget: Budget { title of no_limit held resets }
    /// The keys.
    keys: Keys {
        title lead new nothing none is_deleted is_saved is_blocked is_unblocked
        key status active blocked expired deleted budget spend limits rpm tpm parallel models all_models
        last_used not_used ends never back logs block unblock regenerate delete cancel save make within wrong no_such
        created by updated hash strangers others made once cline cline_provider cline_url cline_key cline_model
        this_address others_like to_key delete_title delete_text regenerate_title regenerate_text
    }
    /// The form of a key.
    key_form: KeyForm {
        whose alias alias_hint user user_hint team team_hint tags tags_hint
        may models models_hint ends ends_hint stores stores_hint as_configured yes no
        budget max max_hint window window_hint soft soft_hint limits rpm tpm parallel limit_hint
        wants_amount wants_period wants_number wants_end wants_choice
    }
    /// The logs.
    logs: Logs {
        title lead nothing nothing_yet refresh newest older searched_to
        find find_id find_button wrong_id wrong_cursor filter filter_lead clear status any success failure lost model
        key key_hint user end_user session tag
        time request asked used cost duration first_token tokens cached labels none not_priced
        session_title session_of running spent requests failed began ended older_missing whole_session
    }
    /// One request.
    log: Log {
        title back no_such not_an_id status answered used first_token ended call stream yes no stop_reason agent parent_agent client
        call_id region alias error trail group outcome bytes not_asked token_table kind input read written output thinking total
        tokens cost saved not_priced estimated metadata prompt reply no_reply not_stored how_to_store stored_but
        other_fields bytes_left_out unlisted reduced
    }
    /// The usage.
    usage: Usage {
        title today week days30 month from to show csv no_such_kind not_a_day nothing unpriced none
        spend requests average tokens_in tokens_out hit_rate saved uncached read written answered failed none_failed
        spend_by_day requests_by_day see_table by_model by_key by_tag by_day model key tag day
        column_failed column_in column_read column_written column_out no_key master_key no_model
    }
}

/// The texts in the language of the pages.
pub(super) fn texts() -> &'static Texts {
    &en::TEXTS
}
