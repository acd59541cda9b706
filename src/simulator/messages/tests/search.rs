//! Deferred tools, and the search among them.

use super::*;

fn references(block: &Value) -> Vec<&str> {
    let found = block["content"]["tool_references"].as_array().unwrap();
    let names = found.iter();
    names.map(|it| it["tool_name"].as_str().unwrap()).collect()
}

fn result_of(call: &Value) -> Value {
    json!([{"type": "tool_result", "tool_use_id": call["id"], "content": "found"}])
}

#[tokio::test]
async fn deferred_tools_are_searched_and_the_found_one_is_called() {
    let simulated = start().await;
    let regex = "tool_search_tool_regex";
    let body = with(ask("call lookup_7"), archive(regex));
    let events = stream(&simulated, OPUS_4_8, &body).await;
    let message = events.folded();
    let [search, found, call] = message["content"].as_array().unwrap().as_slice() else {
        panic!("{message}");
    };
    assert_eq!(search["type"], "server_tool_use");
    assert!(
        search["id"]
            .as_str()
            .unwrap()
            .starts_with("srvtoolu_bdrk_01")
    );
    assert_eq!(search["input"], json!({"query": "lookup_7"}));
    assert_eq!(found["tool_use_id"], search["id"]);
    assert_eq!(references(found), ["lookup_7"]);
    assert_eq!(
        (&call["type"], &call["name"]),
        (&json!("tool_use"), &json!("lookup_7"))
    );
    assert_eq!(message["stop_reason"], "tool_use");
    let searches = &message["usage"]["server_tool_use"]["tool_search_requests"];
    assert_eq!(searches, 1);

    // What was found stays so: the same call needs no search again.
    let next = go_on(&body, &message, result_of(call));
    let message = whole(&simulated, OPUS_4_8, &next).await;
    assert_eq!(message["content"][0]["type"], "text");
    let again = go_on(&next, &message, json!("call lookup_7"));
    let message = whole(&simulated, OPUS_4_8, &again).await;
    assert_eq!(message["content"][0]["name"], "lookup_7");
}

#[tokio::test]
async fn a_search_finds_five_at_most_and_says_what_it_cannot_read() {
    let simulated = start().await;
    let regex = "tool_search_tool_regex";
    let search = async |name: &str, query: &str| {
        let text = format!("search for tools matching `{query}`");
        let body = with(ask(&text), archive(name));
        whole(&simulated, OPUS_4_8, &body).await
    };
    let message = search(regex, "record [0-9]+").await;
    assert_eq!(references(&message["content"][1]).len(), 5);
    assert_eq!(message["content"][2]["name"], "lookup_0");
    let message = search(regex, "^lookup_[38]").await;
    assert_eq!(references(&message["content"][1]), ["lookup_3", "lookup_8"]);
    let message = search(regex, "nothing").await;
    assert!(references(&message["content"][1]).is_empty());
    assert_eq!(message["stop_reason"], "end_turn");
    for bad in ["lookup_(", &"x".repeat(201)] {
        let message = search(regex, bad).await;
        let error = &message["content"][1]["content"];
        assert_eq!(error["type"], "tool_search_tool_result_error");
        assert_eq!(error["error_code"], "invalid_tool_input");
    }
    let message = search("tool_search_tool_bm25", "record 4").await;
    assert_eq!(references(&message["content"][1])[0], "lookup_4");
}

#[tokio::test]
async fn a_deferred_tool_costs_nothing_until_a_client_s_own_search_refers_to_it() {
    let simulated = start().await;
    let big = named("lookup", &"Looks up. ".repeat(2000), true);
    let search = named("ToolSearch", "searches", false);
    let tools = json!({ "tools": [search, big] });
    let before = whole(&simulated, OPUS_4_8, &with(ask("hi"), tools.clone())).await;
    assert!(before["usage"]["input_tokens"].as_u64().unwrap() < 200);
    let body = with(ask("call ToolSearch"), tools);
    let message = whole(&simulated, OPUS_4_8, &body).await;
    let call = &message["content"][0];
    assert_eq!(call["name"], "ToolSearch");
    let loaded = json!([{"type": "tool_result", "tool_use_id": call["id"],
        "content": [{"type": "tool_reference", "tool_name": "lookup"}]}]);
    let next = go_on(&body, &message, loaded);
    let after = whole(&simulated, OPUS_4_8, &next).await;
    assert!(after["usage"]["input_tokens"].as_u64().unwrap() > 5000);
    // It can be called now, and could not before.
    let again = go_on(&next, &after, json!("call lookup"));
    let message = whole(&simulated, OPUS_4_8, &again).await;
    assert_eq!(message["content"][0]["name"], "lookup");
    let body = with(ask("call lookup"), json!({"tools": body["tools"]}));
    let message = whole(&simulated, OPUS_4_8, &body).await;
    assert_eq!(message["content"][0]["type"], "text");
}
