//! Japanese: the audit log.

use super::super::Audit;

pub(super) const AUDIT: Audit = Audit {
    search: "保存された本文を検索",
    read: "閲覧",
    nav: "監査",
    title: "監査ログ",
    lead: "キー、チーム、ユーザー、設定を変更した人と、保存されたリクエストの内容を読んだ人の記録です。400 日間保持します。",
    nothing: "記録はまだありません。",
    time: "日時",
    who: "実行者",
    what: "操作",
    to: "対象",
    changes: "指定された値",
    password: "管理者（パスワード）",
    key: "キー",
};
