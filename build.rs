//! Bundles `config/` into the binary: the catalog as JSON, so that it is read at start without parsing YAML, and every
//! configuration as it stands. And what tokens of OpenAI's stand for, of which a tokenizer would bring far more.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The catalog; everything else in `config/` is a configuration.
const CATALOG: &str = "models.yml";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=config");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let config = root.join("config");

    let yaml = fs::read_to_string(config.join(CATALOG))?;
    let models: serde_json::Value = serde_yaml::from_str(&yaml)?;
    fs::write(out.join("models.json"), serde_json::to_string(&models)?)?;
    fs::write(out.join("bundled.rs"), bundled(&config)?)?;
    let (bytes, offsets) = tokens()?;
    fs::write(out.join("cl100k_bytes.bin"), bytes)?;
    fs::write(out.join("cl100k_offsets.bin"), offsets)?;
    Ok(())
}

/// A list of every configuration's name and text, as Rust.
fn bundled(config: &Path) -> Result<String, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(config)? {
        let path = entry?.path();
        let is_yaml = path
            .extension()
            .is_some_and(|extension| extension == "yml" || extension == "yaml");
        if is_yaml && path.file_name().is_some_and(|name| name != CATALOG) {
            files.push(path);
        }
    }
    files.sort();
    let entries = files.iter().map(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        format!("({name:?}, include_str!({path:?})),")
    });
    Ok(format!("&[{}]", entries.collect::<String>()))
}

/// The bytes of every token of `cl100k_base`, one after the other, and where those of each begin. It has fewer than 101,000
/// numbers, special ones included; those that are none have no bytes.
fn tokens() -> Result<(Vec<u8>, Vec<u8>), Box<dyn Error>> {
    const NUMBERS: u32 = 100_277;
    let table = tiktoken_rs::cl100k_base()?;
    let (mut bytes, mut offsets) = (Vec::new(), Vec::new());
    for token in 0..NUMBERS {
        offsets.extend(u32::try_from(bytes.len())?.to_le_bytes());
        bytes.extend(table.decode_bytes(&[token]).unwrap_or_default());
    }
    offsets.extend(u32::try_from(bytes.len())?.to_le_bytes());
    Ok((bytes, offsets))
}
