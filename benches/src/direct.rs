//! The load on the upstream itself, through the SDK: what a program pays that needs no gateway.

use std::time::Instant;

use aws_sdk_bedrockruntime::types::ConverseStreamOutput;

use crate::Error;
use crate::load::{Found, Load, Timed, run};
use crate::passthrough;

/// Calls the upstream that the environment names. The request is read once, and sent again and again.
pub async fn on_upstream(load: &Load) -> Result<Found, Error> {
    let body = std::fs::read(&load.body)?;
    let client = passthrough::client().await;
    let call = passthrough::call(&client, serde_json::from_slice(&body)?)?;
    run(load, async || {
        let call = call.clone();
        Ok(move || {
            let call = call.clone();
            async move {
                let asked = Instant::now();
                let mut reply = call.send().await?;
                let (mut first, mut stopped) = (None, false);
                while let Some(event) = reply.stream.recv().await? {
                    match event {
                        ConverseStreamOutput::ContentBlockDelta(_) => {
                            first.get_or_insert_with(|| asked.elapsed());
                        }
                        ConverseStreamOutput::MessageStop(_) => stopped = true,
                        _ => {}
                    }
                }
                if !stopped {
                    return Err("the stream was cut".into());
                }
                let whole = asked.elapsed();
                Ok(Timed {
                    first: first.unwrap_or(whole),
                    whole,
                })
            }
        })
    })
    .await
}
