//! Japanese: what is somebody's own.

use super::super::Me;

pub(super) const ME: Me = Me {
    nav: "マイページ",
    title: "自分のキーと利用料金",
    team: "チーム",
    spend: "利用額と残額",
    within: "直近 30 日間（ここに表示されているキーとトークンの合計）",
    of_key: "このキーの予算：",
    of_user: "個人の予算：",
    of_member: "チーム内での個人の予算：",
    of_team: "チーム全体の予算：",
    no_budget: "適用される予算はありません。",
    keys: "キー",
    no_keys: "キーはまだありません。",
    make: "キーを作成",
    alias: "名前（任意）",
    duration: "有効期間（12h、7d など）。最長：",
    delete: "削除",
    requests: "最近のリクエスト",
    no_requests: "直近 30 日間のリクエストはありません。",
    back: "自分のキーに戻る",
    no_person: "ここでキーを作成または削除できるのは、ID プロバイダーでサインインした人だけです。",
    wants_duration: "有効期間は 12h、7d、4w のように、数値と単位で指定します。",
    too_long: "キーの有効期間の上限：",
    too_many: "キーが多すぎます。同時に持てるキーの数：",
    no_models: "所属グループで使えるモデルがないため、キーを作成しても使えません。",
};
