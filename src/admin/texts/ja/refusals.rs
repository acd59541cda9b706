//! Japanese: why something is refused. What a setting has to be goes on where its name ends.

use super::super::told::Told;
use crate::chain::SaveError;
use crate::config::WrongFallbacks;
use crate::http::probe::OutsideOfRegions;
use crate::identity::{AlreadyExists, IdentityError, IdentityKind, Requirement};
use crate::keys::KeyError;
use crate::store::TableFault;

impl Told for Requirement {
    fn japanese(&self) -> String {
        match self {
            Self::Text { longest } => format!("は 1〜{longest} バイトで入力してください。"),
            Self::Amount => "は 0 以上の米ドルの金額を入力してください。".to_owned(),
            Self::TogetherWith(other) => format!("は {other} と一緒に指定してください。"),
            Self::Names { most, longest } => {
                format!("に指定できる名前は {most} 個までで、それぞれ 1〜{longest} バイトです。")
            }
            Self::Tags { most, longest } => {
                format!("に指定できるタグは {most} 個までで、それぞれ {longest} バイトまでです。")
            }
            Self::Metadata { most } => format!("は JSON で {most} バイトまでです。"),
            Self::Key { shortest, longest } => format!(
                "は sk- で始まる {shortest}〜{longest} 文字で、空白を含まない ASCII の印字可能文字だけを使ってください。"
            ),
        }
    }
}

impl Told for KeyError {
    fn japanese(&self) -> String {
        match self {
            Self::NotFound => super::keys::KEYS.no_such.to_owned(),
            Self::Invalid { param, wanted } => format!("{param} {}", wanted.japanese()),
            Self::AliasTaken(alias) => format!(
                "エイリアス {alias:?} は別のキーで使われています。ほかのキーと重複しない名前を付けてください。"
            ),
            Self::Exists => {
                "このキーは既に存在するか、過去 90 日以内に削除されたものです。".to_owned()
            }
            Self::NoTeam(team) => {
                format!("チーム {team} は存在しません。先にチームを作成してください。")
            }
            Self::Contended => {
                "このキーは別のリクエストが変更中です。もう一度お試しください。".to_owned()
            }
            // Its words are English, and go to the log alone.
            Self::Store(error) => error.to_string(),
        }
    }
}

impl Told for IdentityError {
    fn japanese(&self) -> String {
        match self {
            Self::NotFound { kind, id } => {
                let kind = match kind {
                    IdentityKind::Team => "チーム",
                    IdentityKind::Member => "このチームのメンバー",
                    IdentityKind::User => "ユーザー",
                    IdentityKind::Customer => "エンドユーザー",
                };
                format!("{kind}が見つかりません：{id}")
            }
            Self::Exists(exists) => exists.japanese(),
            Self::InFile(team) => format!(
                "チーム {team} は設定ファイル（general_settings.teams）で定義されています。変更もそこで行います。"
            ),
            Self::Invalid(invalid) => {
                format!("{} {}", invalid.param, invalid.wanted.japanese())
            }
            Self::Contended => "別のリクエストが変更中です。もう一度お試しください。".to_owned(),
            // Its words are English, and go to the log alone.
            Self::Store(error) => error.to_string(),
        }
    }
}

impl Told for AlreadyExists {
    fn japanese(&self) -> String {
        match self {
            Self::Team(team) => format!(
                "チーム ID {team} は既に使われているか、削除されたチームのものです。別の ID を指定してください。"
            ),
            Self::User(user) => format!("ユーザー ID {user} は既に使われています。"),
            Self::Member { user, team } => {
                format!("ユーザー {user} は既にチーム {team} のメンバーです。")
            }
        }
    }
}

impl Told for WrongFallbacks {
    fn japanese(&self) -> String {
        match self {
            Self::NoModel(name) => format!("モデル {name:?} は存在しません。"),
            Self::ToItself(group) => {
                format!("{group:?} のフォールバック先に {group:?} 自身が指定されています。")
            }
            Self::Twice { group, target } => format!(
                "{group:?} のフォールバック先に {target:?} が 2 回指定されています。2 回目が呼び出されることはありません。"
            ),
        }
    }
}

impl Told for SaveError {
    fn japanese(&self) -> String {
        match self {
            Self::Invalid(wrong) => wrong.japanese(),
            Self::Conflict => "その間に別の管理者が設定を変更しました。".to_owned(),
            Self::NoTable => "設定を保存するテーブルがありません。".to_owned(),
            // Its words are English, and go to the log alone.
            Self::Store(error) => error.to_string(),
        }
    }
}

/// Goes on where "テーブル" ends.
impl Told for TableFault {
    fn japanese(&self) -> String {
        let words = match self {
            Self::Silent => "が応答しません",
            Self::Failing => "がエラーを返しています",
            Self::Throttled => "のスループットの上限に達しているため、現在は呼び出せません",
            Self::Full => "の容量がいっぱいです",
            Self::Refusing => "がこの操作を許可していません。応答はゲートウェイのログにあります",
            Self::Unreadable => {
                "に読み取れない項目があります。どの項目かはゲートウェイのログにあります"
            }
        };
        words.to_owned()
    }
}

impl Told for OutsideOfRegions {
    fn japanese(&self) -> String {
        format!(
            "このリクエストに応答できるモデルがありません。許可されたリージョン（{}）の外にあります：{}",
            self.allowed.join("）かつ（"),
            self.outside.join("、")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::told::is_japanese;
    use super::*;
    use crate::identity::InvalidSetting;

    fn is_told(english: &str, japanese: &str, refusal: &impl Told) {
        assert_eq!(refusal.to_string(), english);
        assert_eq!(refusal.japanese(), japanese);
    }

    #[test]
    fn what_a_setting_has_to_be_goes_on_where_its_name_ends() {
        for (wanted, english, japanese) in [
            (
                Requirement::Text { longest: 200 },
                "must be a text of 1 to 200 bytes.",
                "は 1〜200 バイトで入力してください。",
            ),
            (
                Requirement::Amount,
                "must be an amount of dollars, 0 or more.",
                "は 0 以上の米ドルの金額を入力してください。",
            ),
            (
                Requirement::TogetherWith("temp_budget_expiry"),
                "must be given together with 'temp_budget_expiry'.",
                "は temp_budget_expiry と一緒に指定してください。",
            ),
            (
                Requirement::Names {
                    most: 1_000,
                    longest: 200,
                },
                "may hold 1000 names at most, each of 1 to 200 bytes.",
                "に指定できる名前は 1000 個までで、それぞれ 1〜200 バイトです。",
            ),
            (
                Requirement::Tags {
                    most: 20,
                    longest: 100,
                },
                "may hold 20 tags at most, each of 100 bytes at most.",
                "に指定できるタグは 20 個までで、それぞれ 100 バイトまでです。",
            ),
            (
                Requirement::Metadata { most: 16_384 },
                "may take 16384 bytes of JSON at most.",
                "は JSON で 16384 バイトまでです。",
            ),
            (
                Requirement::Key {
                    shortest: 16,
                    longest: 200,
                },
                "must begin with 'sk-' and have 16 to 200 visible ASCII characters, without spaces.",
                "は sk- で始まる 16〜200 文字で、空白を含まない ASCII の印字可能文字だけを使ってください。",
            ),
        ] {
            is_told(english, japanese, &wanted);
        }
    }

    #[test]
    fn refusals_of_keys_and_identities_have_their_names_in_them() {
        let param = "max_budget";
        let wanted = Requirement::Amount;
        let x = || "x".to_owned();
        for (error, english, japanese) in [
            (
                KeyError::Invalid { param, wanted },
                "'max_budget' must be an amount of dollars, 0 or more.",
                "max_budget は 0 以上の米ドルの金額を入力してください。",
            ),
            (
                KeyError::AliasTaken(x()),
                "a key with the alias \"x\" exists already: aliases are unique",
                "エイリアス \"x\" は別のキーで使われています。ほかのキーと重複しない名前を付けてください。",
            ),
            (
                KeyError::NoTeam(x()),
                "Team doesn't exist in db. Team=x. Create team via `/team/new` call.",
                "チーム x は存在しません。先にチームを作成してください。",
            ),
        ] {
            is_told(english, japanese, &error);
        }
        let (kind, id) = (IdentityKind::Customer, x());
        let (user, team) = (x(), "y".to_owned());
        for (error, english, japanese) in [
            (
                IdentityError::NotFound { kind, id },
                "End User Id not found, passed end_user_id: x.",
                "エンドユーザーが見つかりません：x",
            ),
            (
                AlreadyExists::Team(x()).into(),
                "Team id = x already exists, or belonged to a team that was deleted. Please use a different team id.",
                "チーム ID x は既に使われているか、削除されたチームのものです。別の ID を指定してください。",
            ),
            (
                AlreadyExists::User(x()).into(),
                "User with id=x already exists",
                "ユーザー ID x は既に使われています。",
            ),
            (
                AlreadyExists::Member { user, team }.into(),
                "User x is a member of team y already.",
                "ユーザー x は既にチーム y のメンバーです。",
            ),
            (
                InvalidSetting::new(param, wanted).into(),
                "'max_budget' must be an amount of dollars, 0 or more.",
                "max_budget は 0 以上の米ドルの金額を入力してください。",
            ),
        ] {
            is_told(english, japanese, &error);
        }
    }

    #[test]
    fn nothing_else_is_left_in_english() {
        let x = || "x".to_owned();
        let mut told: Vec<String> = vec![
            KeyError::NotFound.japanese(),
            KeyError::Exists.japanese(),
            KeyError::Contended.japanese(),
            IdentityError::InFile(x()).japanese(),
            IdentityError::Contended.japanese(),
            SaveError::Conflict.japanese(),
            SaveError::NoTable.japanese(),
            SaveError::Invalid(WrongFallbacks::NoModel(x())).japanese(),
            WrongFallbacks::ToItself(x()).japanese(),
            WrongFallbacks::Twice {
                group: x(),
                target: x(),
            }
            .japanese(),
            OutsideOfRegions {
                allowed: vec!["eu-*".to_owned(), "us-*".to_owned()],
                outside: vec![x()],
            }
            .japanese(),
        ];
        let kinds = [
            IdentityKind::Team,
            IdentityKind::Member,
            IdentityKind::User,
            IdentityKind::Customer,
        ];
        told.extend(kinds.map(|kind| IdentityError::NotFound { kind, id: x() }.japanese()));
        let faults = [
            TableFault::Silent,
            TableFault::Failing,
            TableFault::Throttled,
            TableFault::Full,
            TableFault::Refusing,
            TableFault::Unreadable,
        ];
        told.extend(faults.map(|fault| fault.japanese()));
        for text in told {
            assert!(is_japanese(&text), "{text}");
        }
    }
}
