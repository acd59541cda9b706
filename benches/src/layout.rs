//! `make layout`: which of the function's functions a request needs, as a script for the linker.
//!
//! A program's code lies in the order in which it was compiled, and what a request needs is spread over nearly all of it:
//! a third of the functions, on almost every stretch of 64 KB that the system reads and maps at once. The script puts
//! them side by side, so that a new environment reads and maps little else.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::Error;
use crate::lambda::{Surroundings, invoke, ready};
use crate::load::KEY;
use crate::process::Process;
use crate::prompt::{self, Size};
use crate::runtime_api::{RuntimeApi, chat, event};
use crate::upstream::SHORT;

/// Lets each of these builds of the function, which have their symbols, live under callgrind and writes the script.
///
/// More than one, because of functions with the same code a compiler keeps one, under the name of any of them: which one
/// hangs on the crates' numbers, and these on all that a build is told.
pub async fn write(programs: &[&str], script: &Path, kept: &Path) -> Result<(), Error> {
    fs::create_dir_all(kept)?;
    let mut used = BTreeSet::new();
    for program in programs {
        let of_this = life(Path::new(program), kept).await?;
        if of_this.is_empty() {
            return Err(format!("no function of {program} was seen: has it no symbols?").into());
        }
        used.extend(of_this);
    }
    Ok(fs::write(script, linker_script(&used))?)
}

/// The functions that ran in one environment's life.
async fn life(program: &Path, kept: &Path) -> Result<BTreeSet<String>, Error> {
    let upstream = Process::role("upstream").await?;
    let table = Process::role("table").await?;
    let surroundings = Surroundings::of(&upstream, &table, kept);
    let profile = kept.join("layout.callgrind");
    let mut api = RuntimeApi::start().await?;
    let mut command = Command::new("valgrind");
    command
        .args(["--quiet", "--tool=callgrind", "--demangle=no"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(program);
    surroundings.environment(&mut command, &api)?;
    let process = Process::new(command.spawn()?, String::new())?;
    ready(&mut api).await?;
    for event in events() {
        invoke(&mut api, &event).await?;
    }
    process.terminate().await?;
    Ok(executed(&fs::read_to_string(&profile)?))
}

/// What agents ask on each of the three wires, with the master key and with a virtual one.
fn events() -> Vec<Value> {
    let mut events = Vec::new();
    for stream in [true, false] {
        for size in [Size::OneKb, Size::HundredKb] {
            events.push(chat(&prompt::body(size, SHORT.model, stream)));
        }
        let (key, model) = (format!("{KEY}-1"), SHORT.model);
        let messages = json!([{"role": "user", "content": "What is in this folder?"}]);
        let asked =
            json!({"model": model, "max_tokens": 4096, "stream": stream, "messages": messages});
        events.push(event("/v1/messages", &key, &asked));
        let asked = json!({"model": model, "stream": stream, "input": "What is in this folder?"});
        events.push(event("/v1/responses", &key, &asked));
    }
    events
}

/// The functions that ran, as patterns of their symbols.
fn executed(profile: &str) -> BTreeSet<String> {
    let (mut names, mut ran) = (HashMap::new(), BTreeSet::new());
    for line in profile.lines() {
        let Some((kind @ ("fn" | "cfn"), function)) = line.split_once('=') else {
            continue;
        };
        // A name stands only where its number is used first, which may be a call.
        let (number, name) = function.split_once(' ').unwrap_or((function, ""));
        if !name.is_empty() {
            names.insert(number, name);
        }
        if kind == "fn" {
            ran.insert(number);
        }
    }
    let names = ran.into_iter().filter_map(|number| names.get(number));
    names.filter_map(|name| pattern(name)).collect()
}

/// The symbol of a function in Rust (<https://doc.rust-lang.org/rustc/symbol-mangling/v0.html>) without what another
/// compiler, processor or version of a crate gives it; `None` for other functions, which have no section of their own.
///
/// It has the types that a generic function was made for, which the older mangling has not: of a trait's many functions
/// it names the few that ran.
fn pattern(name: &str) -> Option<String> {
    // Callgrind counts the rounds of a recursion, the linker's optimizer those that have one name.
    let (name, _) = name.split_once('\'').unwrap_or((name, ""));
    let (name, more) = match name.split_once('.') {
        Some((name, _)) => (name, "*"),
        None => (name, ""),
    };
    // Several crates make the same of a generic function, and one of these is kept.
    let (name, more) = match name.rsplit_once("Cs") {
        Some((made, by)) if is_crate(by) => (made, "*"),
        _ => (name, more),
    };
    let mut parts = name.strip_prefix("_R")?.split("Cs");
    let mut pattern = format!("_R{}", without_positions(parts.next()?));
    for part in parts {
        // `Cs`, a crate's number in base 62, and `_`.
        match part.split_once('_') {
            Some((number, rest)) if is_base_62(number) => {
                pattern += &format!("Cs*_{}", without_positions(rest));
            }
            _ => pattern += &format!("Cs{}", without_positions(part)),
        }
    }
    Some(pattern + more)
}

/// References to what stands earlier in the name are `B`, a position in base 62, and `_`: other positions where a crate's
/// number has another length.
fn without_positions(name: &str) -> String {
    let mut parts = name.split('B');
    let mut pattern = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('_') {
            Some((position, rest)) if is_base_62(position) && position.len() < 4 => {
                pattern += &format!("B*_{rest}");
            }
            _ => pattern += &format!("B{part}"),
        }
    }
    pattern
}

/// Whether this is a crate and nothing else: its number, `_`, its name's length, and so many characters.
fn is_crate(name: &str) -> bool {
    let Some((number, name)) = name.split_once('_') else {
        return false;
    };
    let name = name.trim_start_matches('_');
    let digits = name.chars().take_while(char::is_ascii_digit).count();
    let (length, name) = name.split_at(digits);
    is_base_62(number) && length.parse() == Ok(name.len())
}

fn is_base_62(number: &str) -> bool {
    number.chars().all(|c| c.is_ascii_alphanumeric())
}

/// A star before the name, for cold functions have sections called `.text.unlikely.` and their names.
///
/// What no request needs follows by its names: what was made of one generic function lies together then, and compresses
/// better.
fn linker_script(used: &BTreeSet<String>) -> String {
    let sections: String = used
        .iter()
        .map(|name| format!("    *(.text*.{name})\n"))
        .collect();
    format!(
        "/* Made by `make layout`: the functions that requests need, side by side. What is missing here, or is here and no\n   \
         longer there, costs memory and time at the start, and nothing else. */\n\
         SECTIONS\n{{\n  .text.used : {{\n{sections}  }}\n  .text.rest : {{\n    *(SORT_BY_NAME(.text*._R*))\n  }}\n}}\n\
         INSERT BEFORE .text;\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_is_known_whatever_compiled_it() {
        for (symbol, wanted) in [
            (
                "_RNvNtNtCsjrHSEGnQ3l9_3std6thread7current12init_current",
                Some("_RNvNtNtCs*_3std6thread7current12init_current"),
            ),
            (
                "_RNvMs5_NtCs4_3std4timeNtB5_10SystemTime3now'2",
                Some("_RNvMs5_NtCs*_3std4timeNtB*_10SystemTime3now"),
            ),
            (
                "_RNvXs_NtB1c_2BoNtB_5ABCsx",
                Some("_RNvXs_NtB*_2BoNtB*_5ABCsx"),
            ),
            (
                "_RNvNtCs4_3std4sync4once.llvm.530",
                Some("_RNvNtCs*_3std4sync4once*"),
            ),
            (
                "_RINvNtCs4_4core3ptr13drop_in_placehECs5_6rustls",
                Some("_RINvNtCs*_4core3ptr13drop_in_placehE*"),
            ),
            ("_ZN4core3fmt5write17h0123456789abcdefE", None),
            ("memcpy", None),
        ] {
            assert_eq!(pattern(symbol).as_deref(), wanted, "{symbol}");
        }
    }

    #[test]
    fn what_was_called_and_never_ran_is_left_out() {
        let profile = "fn=(1) _Rone\n5 3\ncfn=(2) _Rtwo\ncalls=1 4\n\ncfn=(3) _Rthree\nfn=(2)\n";
        let used = ["_Rone", "_Rtwo"].map(str::to_owned);
        assert_eq!(executed(profile), BTreeSet::from(used));
    }
}
