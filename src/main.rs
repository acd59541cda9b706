//! The binary: a function behind Lambda's Runtime API, or what its command line says.

#[cfg(feature = "local")]
mod cli;

use std::error::Error;
use std::process::ExitCode;

#[cfg(feature = "local")]
use clap::Parser;

use bedrock_sidecar::shell::{self, EnvConfig, lambda};

/// A request's memory is given back by another thread than took it, and the C library's allocator makes threads wait for
/// each other then: with two at work, twelve futex calls a request. The function has one thread and keeps the smaller one.
#[cfg(feature = "local")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            // A configuration may have several errors, each on a line of its own.
            for line in error.to_string().lines() {
                eprintln!("bedrock-sidecar: {line}");
            }
            ExitCode::FAILURE
        }
    }
}

#[cfg(feature = "local")]
fn run() -> Result<ExitCode, Box<dyn Error>> {
    let cli = cli::Cli::parse();
    if !shell::on_lambda(|name| std::env::var(name).ok()) {
        read_dot_env()?;
    }
    if cli.is_bare() && lambda::is_asked_for() {
        return serve_invocations();
    }
    cli.run()
}

#[cfg(not(feature = "local"))]
fn run() -> Result<ExitCode, Box<dyn Error>> {
    if !shell::on_lambda(|name| std::env::var(name).ok()) {
        read_dot_env()?;
    }
    if lambda::is_asked_for() {
        return serve_invocations();
    }
    Err("this binary is for Lambda: AWS_LAMBDA_RUNTIME_API is not set".into())
}

/// `.env` of the working directory, for local use; what the environment says already stays. Read before any thread
/// exists.
fn read_dot_env() -> Result<(), Box<dyn Error>> {
    match dotenvy::from_path(".env") {
        Ok(()) => Ok(()),
        Err(error) if error.not_found() => Ok(()),
        Err(error) => Err(format!(".env: {error}").into()),
    }
}

/// One thread: an invocation is one request, and Lambda gives it one processor or a part of one.
fn serve_invocations() -> Result<ExitCode, Box<dyn Error>> {
    let contract = EnvConfig::read(|name| std::env::var(name).ok())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(lambda::serve(&contract))?;
    Ok(ExitCode::SUCCESS)
}
