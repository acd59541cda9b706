//! Whether a request is signed for Bedrock, by its form: the signature itself cannot be checked without the secret.

use http::{HeaderMap, header};

use super::ErrorReply;

/// Refuses what the real service refuses before it looks at a request.
/// Wordings: AWS's common errors (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html>).
pub(super) fn check(headers: &HeaderMap) -> Result<(), ErrorReply> {
    let authorization = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if let Some(token) = authorization.strip_prefix("Bearer ") {
        let message = "Authentication failed: Please make sure your API Key is valid.";
        return refuse_if(token.trim().is_empty(), "AccessDeniedException", message);
    }
    let Some(parts) = authorization.strip_prefix("AWS4-HMAC-SHA256 ") else {
        let message = "Missing Authentication Token";
        return refuse_if(true, "MissingAuthenticationTokenException", message);
    };
    let part = |name: &str| {
        let mut parts = parts.split(',').map(str::trim);
        parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    };
    for name in ["Credential", "SignedHeaders", "Signature"] {
        if part(name).is_none_or(str::is_empty) {
            let message = format!("Authorization header requires '{name}' parameter.");
            return refuse_if(true, "IncompleteSignatureException", &message);
        }
    }
    let scope: Vec<&str> = part("Credential").unwrap_or_default().split('/').collect();
    let [_, _, _, service, "aws4_request"] = scope.as_slice() else {
        let message = "Credential must have exactly 5 slash-delimited elements.";
        return refuse_if(true, "IncompleteSignatureException", message);
    };
    let message = "Credential should be scoped to correct service: 'bedrock'.";
    refuse_if(*service != "bedrock", "InvalidSignatureException", message)?;
    let message =
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
    let undated = !headers.contains_key("x-amz-date");
    refuse_if(undated, "IncompleteSignatureException", message)
}

fn refuse_if(wrong: bool, kind: &str, message: &str) -> Result<(), ErrorReply> {
    if wrong {
        return Err(ErrorReply::new(403, kind, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(authorization: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, authorization.parse().unwrap());
        headers.insert("x-amz-date", "20261123T000000Z".parse().unwrap());
        check(&headers).err().and_then(|failure| failure.kind)
    }

    #[test]
    fn unsigned_and_wrongly_signed_requests_are_refused() {
        let signed = |scope: &str| {
            let scope = format!("AKIA/20261123/us-east-1/{scope}/aws4_request");
            refusal(&format!(
                "AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"
            ))
        };
        assert_eq!(signed("bedrock"), None);
        assert_eq!(signed("s3").unwrap(), "InvalidSignatureException");
        assert_eq!(refusal("Bearer bedrock-api-key-x"), None);
        assert_eq!(refusal("Bearer ").unwrap(), "AccessDeniedException");
        let missing = "MissingAuthenticationTokenException";
        assert_eq!(refusal("Basic eDp5").unwrap(), missing);
        let incomplete = "IncompleteSignatureException";
        assert_eq!(
            refusal("AWS4-HMAC-SHA256 Credential=a").unwrap(),
            incomplete
        );
    }
}
