use serde_json::json;

use super::*;

fn parsed(body: &Value) -> Result<RerankRequest, ApiError> {
    let parsed = Reranking.parse(body.to_string().as_bytes(), &HeaderMap::new())?;
    let RetrievalRequest::Rerank(request) = parsed.request else {
        unreachable!("the wire asks for an order")
    };
    Ok(request)
}

#[test]
fn documents_are_texts_whatever_their_form() {
    let documents =
        json!(["a", {"text": "b"}, {"text": "c", "id": 7}, {"title": "d"}, {"text": 1}]);
    let request = parsed(&json!({"query": "q", "documents": documents, "top_n": 2})).unwrap();
    let expected = ["a", "b", "c", r#"{"title":"d"}"#, r#"{"text":1}"#];
    assert_eq!(
        (request.documents.as_slice(), request.top_n),
        (expected.map(str::to_owned).as_slice(), Some(2))
    );
}

#[test]
fn what_is_wrong_with_a_body_is_said_with_its_place() {
    let rows = [
        (
            json!({"documents": ["a"]}),
            "query",
            "Missing required parameter: 'query'.",
        ),
        (
            json!({"query": "", "documents": ["a"]}),
            "query",
            "Missing required parameter: 'query'.",
        ),
        (
            json!({"query": "q"}),
            "documents",
            "Missing required parameter: 'documents'",
        ),
        (
            json!({"query": "q", "documents": []}),
            "documents",
            "Missing required parameter: 'documents'",
        ),
        (
            json!({"query": "q", "documents": ["a", 7]}),
            "documents[1]",
            "'documents[1]' must be a string or an object.",
        ),
        (
            json!({"query": "q", "documents": ["a", ""]}),
            "documents[1]",
            "'documents[1]' must not be empty.",
        ),
        (
            json!({"query": "q", "documents": ["a"], "top_n": 0}),
            "top_n",
            "'top_n' must be at least 1.",
        ),
    ];
    for (body, param, message) in rows {
        let error = parsed(&body).unwrap_err();
        assert_eq!(error.param.as_deref(), Some(param), "{body}");
        assert!(
            error.message.starts_with(message),
            "{body}: {}",
            error.message
        );
    }
}
