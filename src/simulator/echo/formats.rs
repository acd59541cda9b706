//! Answers in the formats that agents without tools, and the helpers beside agents, expect.

use super::{Prompt, task::Task};

/// The answer, where the prompt asks for one of these formats.
pub(super) fn answer(prompt: &Prompt<'_>, task: Option<&Task>) -> Option<String> {
    let system = prompt.system.to_lowercase();
    let opening = prompt.typed.first().map_or("", String::as_str);
    if prompt.everything().contains("isNewTopic") {
        return Some(r#"{"isNewTopic": true, "title": "Simulated conversation"}"#.to_owned());
    }
    // Helpers first: their prompts quote the conversation, task and all.
    if !prompt.tools.is_empty() {
        return None;
    }
    if system.contains("title generator") || opening.starts_with("Generate a title") {
        let title = task.map(|task| format!("Create {}", task.file));
        return Some(title.unwrap_or_else(|| "Simulated conversation".to_owned()));
    }
    if system.contains("commit message") {
        let file = task.map_or("files", |task| task.file.as_str());
        return Some(format!("feat: add {file}"));
    }
    let task = task?;
    if prompt.everything().contains("<attempt_completion>") {
        return Some(xml(prompt, task));
    }
    let Task { file, content, .. } = task;
    let done = task.done.as_deref().unwrap_or_default();
    if prompt.everything().contains("SEARCH/REPLACE") {
        return Some(format!(
            "{file}\n```\n<<<<<<< SEARCH\n=======\n{content}\n>>>>>>> REPLACE\n```\n\n{done}\n"
        ));
    }
    None
}

/// One tool in XML per message: write, then complete.
fn xml(prompt: &Prompt<'_>, task: &Task) -> String {
    let Task { file, content, .. } = task;
    let done = task.done.as_deref().unwrap_or("Done.");
    let last = prompt.last();
    if last.contains("successfully saved") || last.contains("write_to_file for") {
        return format!("<attempt_completion>\n<result>\n{done}\n</result>\n</attempt_completion>");
    }
    format!(
        "<write_to_file>\n<path>{file}</path>\n<content>\n{content}\n</content>\n</write_to_file>"
    )
}
