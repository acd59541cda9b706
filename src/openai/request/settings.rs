//! What a chat body says beside its conversation and its tools.

use http::HeaderMap;

use crate::conversation::{AnswerFormat, Request, Sampling};
use crate::openai::thinking;
use crate::wire::openai::{format, service, unsupported, wants_usage};
use crate::wire::{ApiError, DroppedFields, GatewayParams, Labels, MockFailure, RequestOptions};

use super::ChatRequest;

impl ChatRequest {
    /// Lays what this body says around a conversation that was read from it in another wire's form. What that wire has
    /// names of its own for is as `request` and `options` have it.
    pub fn apply_to(
        self,
        request: Request,
        options: RequestOptions,
        headers: &HeaderMap,
    ) -> Result<(Request, RequestOptions), ApiError> {
        let mut dropped = DroppedFields::fields(options.dropped);
        let (own, own_options) = self.into_settings(headers, &mut dropped)?;
        let request = Request {
            system: request.system,
            turns: request.turns,
            tools: request.tools,
            tool_choice: request.tool_choice,
            sampling: Sampling {
                max_tokens: request.sampling.max_tokens.or(own.sampling.max_tokens),
                ..own.sampling
            },
            thinking: request.thinking.or(own.thinking),
            format: match request.format {
                AnswerFormat::Text => own.format,
                format => format,
            },
            ..own
        };
        let mut unsupported = own_options.unsupported;
        for field in options.unsupported {
            if !unsupported.contains(&field) {
                unsupported.push(field);
            }
        }
        let (labels, own_labels) = (options.labels, own_options.labels);
        let options = RequestOptions {
            include_thinking: options.include_thinking,
            free_form: options.free_form,
            tool_refusal: options.tool_refusal,
            labels: Labels {
                end_user: own_labels.end_user.or(labels.end_user),
                session: own_labels.session.or(labels.session),
                ..own_labels
            },
            unsupported,
            dropped: dropped.into_names(),
            ..own_options
        };
        Ok((request, options))
    }

    /// All but the conversation and the tools.
    pub(super) fn into_settings(
        self,
        headers: &HeaderMap,
        dropped: &mut DroppedFields,
    ) -> Result<(Request, RequestOptions), ApiError> {
        self.refuse_what_no_answer_has()?;
        let unsupported = self.unsupported();
        self.name_what_has_no_effect(dropped);
        let (thinking, effort) = thinking::wish(
            self.thinking,
            self.output_config,
            self.reasoning_effort,
            self.reasoning,
        )?;
        let request = Request {
            parallel_tool_calls: self.parallel_tool_calls,
            sampling: Sampling {
                max_tokens: (self.max_completion_tokens)
                    .or(self.max_tokens)
                    .or(self.max_output_tokens),
                temperature: self.temperature,
                top_p: self.top_p,
                top_k: self.top_k,
                stop: self.stop,
            },
            thinking,
            effort,
            format: format::wanted(self.response_format)?,
            service: service::service(
                self.guardrail,
                self.service_tier,
                self.performance,
                self.request_metadata,
            )?,
            model_fields: service::model_fields(
                self.additional_model_request_fields,
                self.anthropic_beta,
                self.extra_headers.as_ref(),
            ),
            ..Request::default()
        };
        let session = self.litellm_session_id;
        let session = session.or_dropped("litellm_session_id", dropped);
        let cache_key = self.prompt_cache_key;
        let cache_key = cache_key.or_dropped("prompt_cache_key", dropped);
        let labels = Labels::new(
            self.user.or_dropped("user", dropped),
            session.or(cache_key),
            self.tags.as_ref(),
            self.metadata.as_ref(),
            headers,
        )?;
        let mock = |on: Option<bool>, failure| (on == Some(true)).then_some(failure);
        let gateway_params = GatewayParams {
            num_retries: self.num_retries,
            timeout: self.timeout,
            stream_timeout: self.stream_timeout,
            disable_fallbacks: self.disable_fallbacks,
            fallbacks: self.fallbacks,
            mock_failure: mock(self.mock_testing_fallbacks, MockFailure::Unavailable)
                .or(mock(
                    self.mock_testing_context_window_fallbacks,
                    MockFailure::ContextWindow,
                ))
                .or(mock(
                    self.mock_testing_content_policy_fallbacks,
                    MockFailure::ContentFiltered,
                )),
            drop_params: self.drop_params,
        };
        let options = RequestOptions {
            model: self.model.filter(|model| !model.is_empty()),
            stream: self.stream.unwrap_or(false),
            include_usage: wants_usage(self.stream_options, dropped),
            labels,
            unsupported,
            ..RequestOptions::from_params(gateway_params, headers)?
        };
        Ok((request, options))
    }

    /// Names in `dropped` what the body asks for without need, and does not get.
    fn name_what_has_no_effect(&self, dropped: &mut DroppedFields) {
        unsupported::name(
            &[
                ("context_management", &self.context_management),
                ("truncation", &self.truncation),
                ("prompt_cache_retention", &self.prompt_cache_retention),
                ("chat_template_kwargs", &self.chat_template_kwargs),
                ("enable_thinking", &self.enable_thinking),
                ("mock_response", &self.mock_response),
            ],
            dropped,
        );
    }

    fn refuse_what_no_answer_has(&self) -> Result<(), ApiError> {
        for (tokens, param) in [
            (self.max_tokens, "max_tokens"),
            (self.max_completion_tokens, "max_completion_tokens"),
            (self.max_output_tokens, "max_output_tokens"),
        ] {
            if tokens == Some(0) {
                let message = format!("'{param}' must be at least 1.");
                return Err(ApiError::bad_request(message, param));
            }
        }
        if self.n.is_some_and(|n| n != 1) {
            let message = "'n' must be 1: Bedrock gives one answer per call.";
            return Err(ApiError::bad_request(message, "n"));
        }
        for (field, value, instead) in [
            ("functions", &self.functions, "tools"),
            ("function_call", &self.function_call, "tool_choice"),
        ] {
            let asked = value.as_ref().is_some_and(|value| {
                !matches!(value.as_str(), Some("auto" | "none"))
                    && value.as_array().is_none_or(|list| !list.is_empty())
            });
            if asked {
                let message = format!(
                    "'{field}' is OpenAI's old form, whose answers have another shape; use '{instead}'."
                );
                return Err(ApiError::bad_request(message, field));
            }
        }
        Ok(())
    }

    /// What the body asks for and cannot have.
    fn unsupported(&self) -> Vec<String> {
        let known = [
            ("seed", &self.seed),
            ("logprobs", &self.logprobs),
            ("top_logprobs", &self.top_logprobs),
            ("logit_bias", &self.logit_bias),
            ("presence_penalty", &self.presence_penalty),
            ("frequency_penalty", &self.frequency_penalty),
            ("repetition_penalty", &self.repetition_penalty),
            ("modalities", &self.modalities),
            ("audio", &self.audio),
            ("web_search_options", &self.web_search_options),
            ("guardrails", &self.guardrails),
        ];
        let asked = known
            .into_iter()
            .filter(|(field, value)| unsupported::is_asked(field, value.as_ref()));
        asked.map(|(field, _)| field.to_owned()).collect()
    }
}
