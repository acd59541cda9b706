//! Every text of the pages, a folder for each language: one that lacks a text does not compile. What the rest of the gateway
//! says in English is told in other languages by `told`.

mod en;
mod ja;
mod told;

use super::language;

/// Declares the texts of each page, so that a language that lacks one does not compile.
macro_rules! declare {
    ($($(#[$doc:meta])* $page:ident: $type:ident { $($name:ident)* })*) => {
        /// The texts in one language.
        #[derive(Debug)]
        pub(super) struct Texts {
            /// Its tag, for the page's `lang`.
            pub(super) tag: &'static str,
            /// The texts of the API's description in this language, beside the English ones; none in English.
            api: &'static [(&'static str, &'static str)],
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
    layout: Layout { skip pages sign_out sign_out_everywhere times_in own_zone days_in }
    /// What numbers count.
    units: Units { second minute hour day billion }
    /// Errors.
    error: Error { address title not_found method foreign stale_form form table fault_of_table fault back not_admin }
    /// The login.
    login: Login {
        title lead user password enter wrong too_many again needs_encryption
        at_provider key_lead key enter_key wrong_key no_password
    }
    /// Signing in at an identity provider.
    sign_in: SignIn { go_on not_begun not_let_in no_role blocked refused no_address provider_away no_token wants_secret }
    /// Abilities of models, and what is said of a model that lacks one.
    ability: Ability { caching thinking vision documents tools json_schema prefill vectors order }
    /// The playground.
    playground: Playground {
        title lead model other none system message thinking effort_none effort_low effort_medium effort_high temperature
        max_tokens ask recorded recorded_for not_allowed blocked waits stream_failed no_message no_model wants_tokens wants_temperature
    }
    /// The description of the API.
    docs: Docs { title lead route does takes answers shapes required }
    /// The overview.
    overview: Overview {
        days_in errors last_days title live paused spend_today spend_month forecast requests_today error_rate first_token saved unwell all_well
        at_risk no_budgets dearest_models dearest_keys nothing_today last_failures all_failures no_failures retirements
    }
    /// The models.
    models: Models {
        per_query per_million name health price requests_head next_retirement p95 open_details instead
        title lead missing_protections default_model pattern also chain chain_context chain_content no_fallback test_fallback
        prices input output read write write_1h not_known unconfirmed computed other_place over_global
        active legacy since until_day retired_on unknown_day no_chat no_converse context answer can
        two_days requests failed spend shared test
        healthy unknown failing cooling_down on_probation retired until last_failure
        learned without learned_until forget tools_while_streaming forced_tool_choice
        required_tool_choice named_tool_choice strict_tools betas messages_dialect native_extras eager_tool_input
        max_tokens
        effort_none cached_in_input
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
        begin begin_with make_list add up down remove drop as_file choose model lacks instead_of no_fallback yaml yaml_lead copy copied unknown_button
        storing storing_lead storing_which storing_file storing_on storing_off storing_days storing_is_on storing_is_off
        storing_conflict wants_days
    }
    /// Budgets, wherever they are shown.
    budget: Budget { title of no_limit held resets }
    /// The keys.
    keys: Keys {
        title lead new nothing none is_deleted is_saved is_blocked is_unblocked
        shown find earlier later key status active blocked team_blocked user_blocked expired deleted over_budget over_soft near_budget refused_today budget spend limits rpm tpm parallel models all_models
        last_used not_used ends never back logs block unblock regenerate delete cancel save make within wrong no_such
        created by updated hash strangers others made once setups setups_hint by_newest by_budget cline_provider cline_url cline_key cline_model
        this_address to_key delete_title delete_text regenerate_title regenerate_text
    }
    /// Teams, users and customers.
    teams: Teams {
        title lead name keys members in_file is_cut no_teams users no_users customers no_customers
        new_team new_user team id id_hint alias_hint email email_hint each_member member_budget_hint back in_file_note
        more more_hint until until_hint wants_date
        members_title no_members role role_hint role_user role_admin member_hint in_team_hint member_models_hint as_team
        change remove add_member change_member delete_title delete_text
    }
    /// The audit log.
    audit: Audit { search read nav title lead nothing time who what to changes password key }
    /// What is somebody's own.
    me: Me {
        nav title team spend within of_key of_user of_member of_team no_budget keys no_keys make alias duration delete requests
        no_requests back no_person wants_duration too_long too_many no_models
    }
    /// The form of a key.
    key_form: KeyForm {
        whose alias alias_hint user user_hint team team_hint tags tags_hint
        may models models_hint regions regions_hint ends ends_hint stored stores stores_hint kept kept_hint as_configured yes no
        responses responses_hint
        budget max max_hint window window_hint soft soft_hint limits rpm tpm parallel limit_hint
        wants_amount wants_period wants_number wants_end wants_choice wants_responses no_such_model
    }
    /// The alerts.
    alerts: Alerts {
        title lead older no_channel sent_to nothing time alert state sent noticed_only pending failed
    }
    /// The logs, and the sessions.
    logs: Logs {
        no_chart left_out no_such_name title nothing nothing_yet refresh live pause newest older searched_to
        find find_id find_button wrong_id wrong_cursor filter filter_lead clear status any success failure lost
        key_hint model_hint min_seconds unnamed columns by_day text text_hint text_lead
        user end_user session client
        time request asked cost duration first_token tokens cached none not_priced
        sessions sessions_lead older_sessions no_sessions requests_read last_request lasted subagents subagent tools
        session_title running spent requests failed began ended older_missing whole_session
    }
    /// One request.
    log: Log {
        title back no_such not_an_id status answered used first_token ended call stream yes no stop_reason agent parent_agent client
        call_id region alias team error trail bytes calls not_asked token_table kind input read written output thinking total
        tokens tokens_in_out cost saved not_priced estimated metadata prompt reply no_reply not_stored how_to_store stored_but
        other_fields bytes_left_out unlisted reduced before after paused answered_well rested made_to_fail
        raw raw_content as_curl thought calls_tool tool_result
        route_chat route_messages route_responses route_embeddings route_rerank
        stop_end stop_tool stop_length stop_sequence stop_filter
    }
    /// Periods, wherever they are chosen.
    period: Period { today week days30 month from to show not_a_day backwards too_long }
    /// Programs that have no name of their own.
    clients: Clients { browser other }
    /// Why requests fail, and why they are refused.
    causes: Causes {
        throttled unavailable timeout cut credentials context_window content_filtered rejected internal lost other
        budget rate_limit model_access unknown_model bad_request gateway
    }
    /// The usage.
    usage: Usage {
        show_more nothing_filtered refused_of_failed title csv no_such_kind nothing unpriced none split_by filtered without compare compared not_counted see_requests
        spend requests average tokens_in tokens_out hit_rate saved uncached read written answered failed none_failed
        first_token for_95 all_budgets
        spend_by_day requests_by_day failures_by_day tokens_by_day cache_by_day see_table by_day others only requests_of
        model key user team client customer tag day no_user no_team no_customer not_told_apart
        column_failed column_in column_read column_written column_out no_key master_key no_model
        speed first_50 first_95 whole_50 whole_95 pace failures failure refusal why
    }
}

pub(super) use en::TEXTS as EN;
pub(super) use ja::TEXTS as JA;
pub(super) use told::{Told, alert_words};

/// The texts in the language of the page that is rendered.
pub(super) fn texts() -> &'static Texts {
    language::current().texts()
}

impl Texts {
    /// A text of the API's description in this language.
    pub(super) fn of_api<'t>(&self, english: &'t str) -> &'t str {
        let known = self.api.iter().find(|(text, _)| *text == english);
        known.map_or(english, |(_, text)| text)
    }
}

/// A text with values in the places of its `{}`, in their order.
pub(super) fn filled<const N: usize>(text: &str, values: [&str; N]) -> String {
    let mut parts = text.split("{}");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    let mut values = values.into_iter();
    for part in parts {
        whole.push_str(values.next().unwrap_or_default());
        whole.push_str(part);
    }
    whole
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The texts of a language by their names, as `Debug` writes them.
    fn by_name(texts: &Texts) -> BTreeMap<String, String> {
        let mut page = String::new();
        let mut found = BTreeMap::new();
        for line in format!("{texts:#?}").lines() {
            let line = line.trim().trim_end_matches(',');
            match line.split_once(": ") {
                Some((name, text)) if text.starts_with('"') => {
                    found.insert(format!("{page}.{name}"), text.trim_matches('"').to_owned());
                }
                Some((name, _)) => name.clone_into(&mut page),
                None => {}
            }
        }
        found
    }

    /// What is the same in Japanese: names, signs, and words that are written so there too.
    const SAME: [&str; 21] = [
        "p95",
        "–",
        "PDF",
        "prefill",
        "thinking",
        "temperature",
        "API",
        "SHA-256",
        "API Provider",
        "Base URL",
        "API Key",
        "Model ID",
        "User-Agent",
        "Chat Completions",
        "Anthropic Messages",
        "OpenAI Responses",
        "Embeddings",
        "Rerank",
        "YAML",
        "ID",
        "/",
    ];

    #[test]
    fn values_stand_where_the_text_has_room_for_them() {
        for (text, filled_in) in [
            ("{} of {}", "a of {}"),
            ("the {} and no more", "the a and no more"),
            ("{}{}{}", "a{}"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(filled(text, ["a", "{}"]), filled_in);
        }
    }

    #[test]
    fn every_text_has_words_of_its_own_in_each_language() {
        let (english, japanese) = (by_name(&EN), by_name(&JA));
        assert!(english.len() > 500, "{}", english.len());
        assert_eq!(
            english.keys().collect::<Vec<_>>(),
            japanese.keys().collect::<Vec<_>>()
        );
        for (name, text) in &japanese {
            // Which is counted in millions there.
            if name == "units.billion" {
                continue;
            }
            assert!(
                !text.trim().is_empty() && !english[name].trim().is_empty(),
                "{name}"
            );
            let is_japanese = text
                .chars()
                .any(|c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}'));
            assert!(
                is_japanese
                    || name == "layout.tag"
                    || name == ".tag"
                    || SAME.contains(&text.as_str()),
                "{name}: {text}"
            );
        }
        for (name, text) in &english {
            assert!(
                text.is_ascii() || text.chars().all(|c| c.is_ascii() || "–…−→".contains(c)),
                "{name}: {text}"
            );
        }
    }

    #[test]
    fn what_is_code_is_the_same_in_each_language() {
        let (english, japanese) = (by_name(&EN), by_name(&JA));
        for word in [
            "/key/",
            "/team/",
            "general_settings",
            "input_cost_per_token",
            "x-litellm-session-id",
            "chatcmpl-",
            "by=end_user",
        ] {
            for (name, text) in &english {
                assert_eq!(
                    text.contains(word),
                    japanese[name].contains(word),
                    "{name}: {word}"
                );
            }
        }
    }
}
