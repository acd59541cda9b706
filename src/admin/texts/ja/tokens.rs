//! Japanese: why a token of an identity provider is refused.

use super::super::told::Told;
use crate::config::Preset;
use crate::identity::{ClaimType, Malformation, TokenRefusal};

impl Told for TokenRefusal {
    fn japanese(&self) -> String {
        let words = match self {
            Self::Malformed(why) => {
                return format!("JSON Web Token ではありません：{}。", why.japanese());
            }
            Self::BadClaim { claim, expected } => {
                return format!(
                    "クレーム {claim} がないか、{}ではありません。",
                    expected.japanese()
                );
            }
            Self::WrongAudience(claim) => {
                return format!("別の宛先（{claim}）のトークンです。");
            }
            Self::WrongKind(claim) => {
                return format!("ここで使えるものとは別の種類（{claim}）のトークンです。");
            }
            Self::NotAllowed(claim) => {
                return format!("クレーム {claim} に、許可された値がありません。");
            }
            Self::MissingClaim { claim, preset } => {
                return format!("クレーム {claim} がありません。{}", remedy(*preset));
            }
            Self::NoTeam(claim) => {
                return format!(
                    "クレーム {claim} に登録済みのチームがなく、そのようなトークンのためのチームもありません。"
                );
            }
            Self::CriticalExtension => "ヘッダーに、対応していない重要な拡張（crit）があります。",
            Self::WrongType => "アクセストークンでも ID トークンでもありません（ヘッダーの typ）。",
            Self::UnknownIssuer => "この発行者（iss）のトークンは受け付けていません。",
            Self::NoKeyId => "署名した鍵の ID（kid）がありません。",
            Self::UnknownKey => "その ID（kid）の鍵は発行者にありません。",
            Self::WrongAlgorithm => "署名の方式（alg）が鍵と合わないか、受け付けていないものです。",
            Self::WrongSignature => "署名が正しくありません。",
            Self::Expired => "有効期限（exp）が切れています。",
            Self::NotYetValid => "まだ有効ではありません（nbf、iat）。",
            Self::TooOld => {
                "発行から 1 日を過ぎているか、有効期間が 1 日を超えています（iat、exp）。"
            }
            Self::WrongNonce => "このサインインのものではありません（nonce）。",
            Self::UnverifiedEmail => "メールアドレスが確認されていません（email_verified）。",
            Self::WrongDomain => "メールアドレスのドメインが許可されていません。",
            Self::GroupsLeftOut => {
                "グループが多すぎて、トークンに含まれていません（_claim_names）。ID プロバイダーで、アプリロールか、\
                 アプリケーションに割り当てたグループだけをトークンに含めるように設定してください。"
            }
            Self::NotOfTeam => "x-litellm-team-id で指定したチームのトークンではありません。",
            Self::NoKeys => "発行者の鍵を現在読み取れません。",
        };
        words.to_owned()
    }
}

impl Told for Malformation {
    fn japanese(&self) -> String {
        let words = match self {
            Self::TooLong => "長すぎます",
            Self::NoParts => "3 つの部分に分かれていません",
            Self::NotBase64 => "base64url ではない部分があります",
            Self::BadHeader => "ヘッダーが alg のある JSON ではありません",
            Self::BadClaims => "クレームが JSON オブジェクトではありません",
        };
        words.to_owned()
    }
}

impl Told for ClaimType {
    fn japanese(&self) -> String {
        match self {
            Self::Text => "テキスト".to_owned(),
            Self::Id { longest } => format!(" 1〜{longest} バイトのテキスト"),
            Self::Texts => "テキストまたはテキストの配列".to_owned(),
            Self::Instant => "秒数".to_owned(),
        }
    }
}

/// What to set at an identity provider whose tokens lack a claim.
fn remedy(preset: Option<Preset>) -> &'static str {
    match preset {
        Some(Preset::Okta) => {
            "Okta では、カスタム認可サーバー（/oauth2/… で終わる issuer）のクレームに追加し、そのスコープを sign_in.scopes に指定してください。\
             組織のサーバーのトークンには含まれません。"
        }
        Some(Preset::Entra) => {
            "Entra ID では、アプリケーションの「トークン構成」で追加するか、ユーザーにアプリロールを割り当ててください。"
        }
        Some(Preset::Cognito) => {
            "Cognito のトークンには、どのグループにも属さないユーザーのグループは含まれません。アクセストークンにユーザーの属性を含めるには、\
             トリガーが必要です。"
        }
        Some(Preset::AwsSts) => {
            "AWS のトークンに含まれるのは、ロールとセッションのタグ、およびリクエストが求めたタグです。"
        }
        None => "ID プロバイダーで、トークンに含めるように設定してください。",
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::told::is_japanese;
    use super::*;

    #[test]
    fn every_refusal_of_a_token_is_told() {
        let x = || "x".to_owned();
        let claim = x;
        let mut told: Vec<String> = Vec::new();
        let malformed = [
            Malformation::TooLong,
            Malformation::NoParts,
            Malformation::NotBase64,
            Malformation::BadHeader,
            Malformation::BadClaims,
        ];
        told.extend(malformed.map(|why| TokenRefusal::Malformed(why).japanese()));
        let types = [
            ClaimType::Text,
            ClaimType::Id { longest: 200 },
            ClaimType::Texts,
            ClaimType::Instant,
        ];
        told.extend(types.map(|expected| {
            let claim = claim();
            TokenRefusal::BadClaim { claim, expected }.japanese()
        }));
        let presets = [
            None,
            Some(Preset::AwsSts),
            Some(Preset::Cognito),
            Some(Preset::Entra),
            Some(Preset::Okta),
        ];
        told.extend(presets.map(|preset| {
            let claim = claim();
            TokenRefusal::MissingClaim { claim, preset }.japanese()
        }));
        let tokens = [
            TokenRefusal::CriticalExtension,
            TokenRefusal::WrongType,
            TokenRefusal::UnknownIssuer,
            TokenRefusal::NoKeyId,
            TokenRefusal::UnknownKey,
            TokenRefusal::WrongAlgorithm,
            TokenRefusal::WrongSignature,
            TokenRefusal::Expired,
            TokenRefusal::NotYetValid,
            TokenRefusal::TooOld,
            TokenRefusal::WrongAudience("aud"),
            TokenRefusal::WrongKind("token_use"),
            TokenRefusal::WrongNonce,
            TokenRefusal::UnverifiedEmail,
            TokenRefusal::WrongDomain,
            TokenRefusal::GroupsLeftOut,
            TokenRefusal::NotAllowed(x()),
            TokenRefusal::NoTeam(x()),
            TokenRefusal::NotOfTeam,
            TokenRefusal::NoKeys,
        ];
        told.extend(tokens.map(|refusal| refusal.japanese()));
        for text in told {
            assert!(is_japanese(&text), "{text}");
        }
    }
}
