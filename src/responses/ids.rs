//! Ids of responses and of their items. They carry the address: the key of a response is the id of its request, and an
//! item's id has it between its prefix and its place.

/// What the id of a response begins with.
pub(super) const RESPONSE: &str = "resp_";

/// What the id of a message begins with.
pub(super) const MESSAGE: &str = "msg_";

/// What the ids of reasoning items begin with.
pub(super) const REASONING: &str = "rs_";

/// The id of the item at this place of a response's output.
pub(super) fn item_id(prefix: &str, response: &str, place: usize) -> String {
    let key = response.trim_start_matches(RESPONSE);
    format!("{prefix}{key}_{place}")
}

/// The id of the item at this place of a request's input, where its client has given it none.
pub(super) fn input_item_id(kind: &str, response_key: &str, place: usize) -> String {
    let prefix = match kind {
        "message" => MESSAGE,
        "reasoning" => REASONING,
        "function_call" => "fc_",
        "function_call_output" => "fco_",
        "custom_tool_call" => "ctc_",
        "custom_tool_call_output" => "ctco_",
        "compaction" => "cmp_",
        _ => "item_",
    };
    format!("{prefix}{response_key}_in{place}")
}

/// The key of the response with this id; `None`: the id is none of the gateway's.
pub fn response_key(id: &str) -> Option<&str> {
    id.strip_prefix(RESPONSE).filter(|key| is_key(key))
}

/// The key of the response that the item with this id is of; `None`: the id is none of the gateway's.
pub(super) fn response_of_item(id: &str) -> Option<&str> {
    let (_, rest) = id.split_once('_')?;
    let (key, _) = rest.rsplit_once('_')?;
    is_key(key).then_some(key)
}

/// A UUID, as a request's id is one.
fn is_key(text: &str) -> bool {
    const LENGTH: usize = 36;
    let is_of_uuid = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-');
    text.len() == LENGTH && text.bytes().all(is_of_uuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_leads_to_its_response_and_what_is_no_id_to_nothing() {
        let key = "019a1234-5678-7abc-8def-0123456789ab";
        let response = format!("resp_{key}");
        assert_eq!(response_key(&response), Some(key));
        for prefix in ["msg_", "rs_", "fc_", "ctc_", "cmp_"] {
            let id = item_id(prefix, &response, 12);
            assert_eq!(response_of_item(&id), Some(key), "{id}");
        }
        let input = input_item_id("message", key, 3);
        assert_eq!(response_of_item(&input), Some(key));
        for id in [
            "",
            "resp_",
            "resp_1",
            "resp_resp_1",
            "msg_abc",
            "_",
            "__",
            "é_é_é",
            "resp_019a1234-5678-7abc-8def-0123456789ab#1",
            "resp_019A1234-5678-7ABC-8DEF-0123456789AB",
            key,
        ] {
            assert_eq!(response_key(id), None, "{id}");
            assert_eq!(response_of_item(id), None, "{id}");
        }
        assert_eq!(response_of_item(&response), None);
    }
}
