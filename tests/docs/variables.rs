//! The table of environment variables is what the process reads.

use std::collections::BTreeSet;

use super::page::read;

const PAGE: &str = "docs/configuration.md";
/// Read to learn where the process is, and never set by a user.
const SET_BY_LAMBDA: &str = "AWS_EXECUTION_ENV";

/// The names in the table of variables.
pub(super) fn documented() -> BTreeSet<String> {
    let page = read(PAGE);
    page.lines()
        .skip_while(|line| !line.starts_with("| variable |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_table_of_variables_is_what_the_process_reads() {
    let env_config = read("src/shell/env_config.rs");
    let code = env_config.split("#[cfg(test)]").next().unwrap();
    let is_name = |text: &&str| {
        text.starts_with(|c: char| c.is_ascii_uppercase())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let known: BTreeSet<&str> = code.split('"').skip(1).step_by(2).filter(is_name).collect();
    let documented = documented();
    for name in &documented {
        assert!(
            known.contains(name.as_str()),
            "{PAGE} has the variable {name}, which src/shell/env_config.rs does not read"
        );
    }
    for name in known {
        assert!(
            documented.contains(name) || name == SET_BY_LAMBDA,
            "src/shell/env_config.rs reads {name}, which {PAGE}'s table of variables lacks"
        );
    }
}
