//! Measures: `gauge compare BUILT KEPT`, `gauge lambda BARE GATEWAY KEPT`; in its other roles it is what the measurement
//! needs beside itself.

use std::fs;
use std::path::Path;

use benches::load::Load;
use benches::report::Goal;
use benches::{Error, compare, direct, lambda, load, report, table, upstream};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Builder;

fn main() -> Result<(), Error> {
    // One thread each: two processors are shared by all of them.
    Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(run())
}

async fn run() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["upstream"] => upstream::run(announced().await?).await,
        ["table"] => table::run(announced().await?).await,
        ["load", load] => print(&load::on_gateway(&read(load)?).await?),
        ["direct", load] => print(&direct::on_upstream(&read(load)?).await?),
        ["compare", built, kept] => {
            let millis = std::env::var("CELL_MILLIS").map_or(Ok(1000), |millis| millis.parse())?;
            let kept = Path::new(kept);
            let found = compare::run(Path::new(built), kept, millis).await?;
            let goals = report::goals(&found);
            write(
                kept,
                "bench",
                &report::markdown(&found, &goals),
                &report::json(&found, &goals),
            )
        }
        ["lambda", bare, gateway, kept] => {
            let kept = Path::new(kept);
            let functions = lambda::run(Path::new(bare), Path::new(gateway), kept, 20).await?;
            let goals = lambda::goals(&functions);
            let listed = goals.iter().map(
                |Goal { wanted, found, met }| json!({"goal": wanted, "found": found, "met": met}),
            );
            let json = json!({"functions": functions, "goals": listed.collect::<Vec<_>>()});
            write(kept, "lambda", &lambda::markdown(&functions, &goals), &json)
        }
        _ => Err("gauge compare BUILT KEPT | gauge lambda BARE GATEWAY KEPT".into()),
    }
}

/// A socket whose address is told to whoever started this process.
async fn announced() -> Result<TcpListener, Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    Ok(listener)
}

fn read(load: &str) -> Result<Load, Error> {
    Ok(serde_json::from_str(load)?)
}

fn print(found: &load::Found) -> Result<(), Error> {
    println!("{}", serde_json::to_string(found)?);
    Ok(())
}

fn write(kept: &Path, name: &str, markdown: &str, json: &Value) -> Result<(), Error> {
    println!("{markdown}");
    fs::write(kept.join(name).with_extension("md"), markdown)?;
    fs::write(
        kept.join(name).with_extension("json"),
        serde_json::to_string_pretty(json)?,
    )?;
    Ok(())
}
