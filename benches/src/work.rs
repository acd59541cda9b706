//! Fixed work in one thread, for micro benches and for counting instructions: AWS is a function that answers from
//! memory, so that what is counted is the gateway's and the SDK's alone.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use bedrock_sidecar::bedrock::plan::{Plan, UnsupportedFeatures, plan};
use bedrock_sidecar::bedrock::{BedrockClients, CallTimeouts, Endpoint, body};
use bedrock_sidecar::config::{Config, Deployment};
use bedrock_sidecar::conversation::{Request, Usage};
use bedrock_sidecar::openai::{ChatRequest, ChunkWriter};
use bedrock_sidecar::spend::{
    Attempt, Ledger, LedgerOptions, Record, RecordCaller, RequestId, Status,
};
use bedrock_sidecar::store::{Table, TableOptions};
use bedrock_sidecar::wire::{ReplyMeta, StreamWriter, WireRequest};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};

use crate::Error;
use crate::compare::configuration;
use crate::prompt::{self, Size};
use crate::upstream::{LONG, frames};

/// Deltas of the answer that is streamed.
pub const DELTAS: usize = 500;

/// All that the work needs, made once.
#[derive(Debug)]
pub struct Work {
    runtime: Runtime,
    deployment: Arc<Deployment>,
    endpoint: Endpoint,
    ledger: Ledger,
    chat: Vec<u8>,
    request: Request,
    plan: Plan,
    short: Plan,
}

impl Work {
    /// A gateway's parts, without its HTTP and its chain.
    pub fn new() -> Result<Work, Error> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (config, _) = Config::parse(
            "bench.yml",
            &configuration("http://bedrock.invalid", false),
            &|_| None,
        )?;
        let deployment = config
            .deployments()
            .find(|found| found.model_id == LONG.model)
            .ok_or("no such model")?;
        let deployment = Arc::clone(deployment);
        let answer: Bytes = frames(DELTAS)?.concat().into();
        let bedrock = sdk(Memory {
            content_type: "application/vnd.amazon.eventstream",
            body: answer,
        });
        let dynamo = sdk(Memory {
            content_type: "application/x-amz-json-1.0",
            body: Bytes::from_static(b"{}"),
        });
        let endpoint =
            runtime.block_on(BedrockClients::new(bedrock, &config, None).endpoint(&deployment));
        let options = TableOptions {
            name: "bench".into(),
            ..TableOptions::default()
        };
        let ledger = Ledger::new(Table::connect(&dynamo, &options), LedgerOptions::default());
        let chat = prompt::body(Size::HundredKb, LONG.model, true)
            .to_string()
            .into_bytes();
        let small = prompt::body(Size::OneKb, LONG.model, true)
            .to_string()
            .into_bytes();
        let planned = |request: &Request| {
            plan(
                request,
                &deployment.model,
                &deployment.defaults,
                UnsupportedFeatures::default(),
            )
        };
        let request = conversation(&chat)?;
        let (long, short) = (planned(&request), planned(&conversation(&small)?));
        Ok(Work {
            runtime,
            endpoint,
            ledger,
            chat,
            request,
            plan: long,
            short,
            deployment,
        })
    }

    /// The body of 100 KB as the conversation that it is.
    pub fn parse(&self) -> Result<Request, Error> {
        conversation(&self.chat)
    }

    /// The conversation as one target takes it.
    pub fn plan(&self) -> Plan {
        plan(
            &self.request,
            &self.deployment.model,
            &self.deployment.defaults,
            UnsupportedFeatures::default(),
        )
    }

    /// The plan as the body of a call.
    pub fn body(&self) -> Result<Bytes, Error> {
        Ok(body(&self.plan)?)
    }

    /// All three, one after the other: what a request costs before it is sent.
    pub fn translate(&self) -> Result<Bytes, Error> {
        let request = self.parse()?;
        let plan = plan(
            &request,
            &self.deployment.model,
            &self.deployment.defaults,
            UnsupportedFeatures::default(),
        );
        Ok(body(&plan)?)
    }

    /// One call, signed and sent, and the 500 events of its answer as chunks.
    pub fn stream(&self) -> Result<usize, Error> {
        let hour = Duration::from_secs(3600);
        let limits = CallTimeouts {
            first_event: hour,
            idle: hour,
            idle_in_tool_call: hour,
        };
        self.runtime.block_on(async {
            let call = self
                .endpoint
                .call(&self.deployment.model_id, self.short.clone(), limits);
            let mut answer = call.await.map_err(|failure| failure.message)?;
            let meta = ReplyMeta {
                id: "chatcmpl-bench".into(),
                created: 1_768_248_000,
                model: LONG.model.into(),
                include_usage: true,
                ..ReplyMeta::default()
            };
            let (mut out, mut written) = (BytesMut::new(), 0);
            let mut writer = ChunkWriter::new(meta);
            writer.begin(LONG.model.into(), 1, None, &mut out);
            while let Some(event) = answer.next().await.map_err(|failure| failure.message)? {
                writer.event(&event, &mut out);
                written += black_box(out.split().freeze()).len();
            }
            Ok(written)
        })
    }

    /// One record with the totals that it moves.
    pub fn record(&self) -> Result<(), Error> {
        let caller = RecordCaller {
            key_hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
            key_alias: Some("bench".into()),
            client: Some("bench/1.0".into()),
            session_id: Some("session".into()),
            ..RecordCaller::default()
        };
        let deployment = &self.deployment;
        let attempt = Attempt {
            group: deployment.group.clone(),
            deployment: deployment.id.clone(),
            model: deployment.model_id.clone(),
            region: deployment.region.clone(),
            outcome: "ok".into(),
            status: Some(200),
            ..Attempt::default()
        };
        let used = Usage {
            input: 1000,
            output: 500,
            cache_read: 20_000,
            ..Usage::default()
        };
        let mut record = Record::new(RequestId::new(Timestamp::now()), LONG.model, caller);
        record.status = Status::Success;
        record.attempts = vec![attempt.billed(used, deployment.model.price.as_ref())];
        record.stop_reason = Some("end_turn".into());
        record.stream = true;
        self.runtime.block_on(self.ledger.record(record))?;
        Ok(())
    }
}

fn conversation(body: &[u8]) -> Result<Request, Error> {
    let chat = Box::new(ChatRequest::parse(body).map_err(|error| error.message)?);
    let (request, _) = chat
        .into_conversation(&HeaderMap::new())
        .map_err(|error| error.message)?;
    Ok(request)
}

/// Answers every request with the same bytes.
#[derive(Debug, Clone)]
struct Memory {
    content_type: &'static str,
    body: Bytes,
}

impl HttpConnector for Memory {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        black_box(&request);
        let ok = StatusCode::try_from(200_u16);
        let Ok(ok) = ok else {
            unreachable!("200 is a status")
        };
        let mut response = HttpResponse::new(ok, SdkBody::from(self.body.clone()));
        response
            .headers_mut()
            .insert("content-type", self.content_type);
        HttpConnectorFuture::ready(Ok(response))
    }
}

fn sdk(memory: Memory) -> SdkConfig {
    let client = http_client_fn(move |_, _| SharedHttpConnector::new(memory.clone()));
    let credentials = Credentials::new("AKIABENCH", "bench", None, None, "bench");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(client)
        .build()
}
