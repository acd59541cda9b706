//! Japanese: the description of the API, whose English stands in `openapi.json`.

/// Subjects, summaries and descriptions of fields: the English ones, and the same in Japanese.
pub(super) const API: &[(&str, &str)] = &[
    ("Models and answers", "モデルと応答"),
    ("Keys", "キー"),
    (
        "Teams, users, customers",
        "チーム、ユーザー、エンドユーザー",
    ),
    ("Money and records", "利用料金と記録"),
    ("Health", "ヘルスチェック"),
    ("This description", "この説明"),
    (
        "Answers a conversation, in OpenAI's form",
        "OpenAI の形式で会話に応答",
    ),
    (
        "The same, with the model in the path",
        "同上（モデルをパスで指定）",
    ),
    (
        "Answers a conversation, in the form of OpenAI's Responses API",
        "OpenAI の Responses API の形式で会話に応答",
    ),
    ("Summarizes a conversation", "会話を要約"),
    (
        "Counts the tokens of a request",
        "リクエストのトークン数を計算",
    ),
    ("A stored response", "保存されたレスポンスを取得"),
    ("Deletes a stored response", "保存されたレスポンスを削除"),
    (
        "Responses do not run in the background: a 400",
        "レスポンスのバックグラウンド実行には非対応（400 を返す）",
    ),
    (
        "The items that a stored response answered",
        "保存されたレスポンスの入力項目",
    ),
    (
        "Answers a conversation, in Anthropic's form",
        "Anthropic の形式で会話に応答",
    ),
    ("Turns texts into vectors", "テキストをベクトルに変換"),
    (
        "Ranks documents by a query",
        "クエリとの関連度で文書を並べ替え",
    ),
    (
        "Text completions are not served: a 404 names chat completions",
        "テキスト補完には非対応（404 で Chat Completions を案内）",
    ),
    (
        "The models that the key may ask for",
        "キーで使えるモデルの一覧",
    ),
    ("One model", "モデルの取得"),
    (
        "Limits, prices and abilities of the models",
        "モデルの上限、料金、機能",
    ),
    ("Creates a key", "キーを作成"),
    (
        "A key with its settings and what it has spent",
        "キーの設定と利用料金",
    ),
    ("The keys", "キーの一覧"),
    ("Changes a key", "キーを変更"),
    ("Blocks a key", "キーをブロック"),
    ("Unblocks a key", "キーのブロックを解除"),
    ("Deletes keys", "キーを削除"),
    ("Replaces a key by a new one", "キーを再発行"),
    (
        "The audit log, the newest entries first",
        "監査ログ（新しい順）",
    ),
    ("Creates a team", "チームを作成"),
    ("Changes a team", "チームを変更"),
    (
        "A team, its members and its keys",
        "チームとそのメンバー、キー",
    ),
    ("All teams", "すべてのチーム"),
    ("The teams, page by page", "チームの一覧（ページ単位）"),
    ("Blocks a team", "チームをブロック"),
    ("Unblocks a team", "チームのブロックを解除"),
    ("Deletes teams", "チームを削除"),
    ("Adds members to a team", "チームにメンバーを追加"),
    ("Changes a member", "メンバーを変更"),
    ("Removes a member", "メンバーを外す"),
    ("Creates a user", "ユーザーを作成"),
    ("Changes a user", "ユーザーを変更"),
    (
        "A user, the teams and the keys",
        "ユーザーとその所属チーム、キー",
    ),
    ("A user alone", "ユーザーの取得"),
    ("The users", "ユーザーの一覧"),
    (
        "Deletes users, or erases what is known of them",
        "ユーザーを削除、またはその記録を消去",
    ),
    ("A customer", "エンドユーザーの取得"),
    ("The customers", "エンドユーザーの一覧"),
    ("Blocks customers", "エンドユーザーをブロック"),
    ("Unblocks customers", "エンドユーザーのブロックを解除"),
    ("Deletes customers", "エンドユーザーを削除"),
    (
        "Records of requests, or what days have cost",
        "リクエストの記録、または日別の利用料金",
    ),
    (
        "Records of requests, page by page",
        "リクエストの記録（ページ単位）",
    ),
    (
        "The stored prompt and reply of a request",
        "保存されたプロンプトと応答",
    ),
    ("The records of a session", "セッションの記録"),
    ("Spend by key", "キー別の利用料金"),
    ("Spend by tag", "タグ別の利用料金"),
    ("What a request would cost", "リクエストの料金の見積もり"),
    ("Total spend", "利用料金の合計"),
    (
        "Spend by key, team, user, customer or client, day by day",
        "キー、チーム、ユーザー、エンドユーザー、クライアント別の日ごとの利用料金",
    ),
    ("Days, broken down by user", "日別の利用量（ユーザー別）"),
    ("Days, broken down by team", "日別の利用量（チーム別）"),
    (
        "Days, broken down by customer",
        "日別の利用量（エンドユーザー別）",
    ),
    (
        "Tests every deployment with a short request",
        "短いリクエストですべてのデプロイメントをテスト",
    ),
    (
        "The last known health of the deployments",
        "デプロイメントの直近の状態",
    ),
    ("Whether the process is there", "プロセスの稼働確認"),
    ("Whether it can serve", "応答できる状態かどうかの確認"),
    (
        "An empty answer, with which clients open a connection",
        "空の応答（クライアントが接続を開くため）",
    ),
    (
        "Today's counters, as Prometheus reads them",
        "今日のカウンター（Prometheus 形式）",
    ),
    ("This description as a page", "この説明のページ"),
    (
        "The routes, as LiteLLM lists them",
        "ルートの一覧（LiteLLM と同じ形式）",
    ),
    ("A text, or items.", "テキスト、または項目の配列。"),
    (
        "The thinking of an earlier answer.",
        "以前の応答の thinking。",
    ),
    (
        "Server-sent events instead of one body.",
        "1 つの本文の代わりに Server-Sent Events で返します。",
    ),
    ("`cursor` of the next page.", "次のページの `cursor`。"),
    ("A text, or several.", "テキスト、または複数のテキスト。"),
    ("The end user.", "エンドユーザー。"),
    (
        "30m, 12h, 1d, 7d, 30d, 1mo.",
        "30m、12h、1d、7d、30d、1mo。",
    ),
    (
        "The hash of the key or of the person; empty: signed in with the password.",
        "キーまたは人のハッシュ。空ならパスワードでのサインイン。",
    ),
    (
        "How long prompts and replies are kept, where they are stored, such as 14d.",
        "プロンプトと応答を保存する場合の保存期間（14d など）。",
    ),
    (
        "A time from now, such as 30d.",
        "今からの期間（30d など）。",
    ),
    ("A text, or blocks.", "テキスト、またはブロックの配列。"),
    (
        "A text, or parts: text, image_url, file.",
        "テキスト、またはパートの配列（text、image_url、file）。",
    ),
    (
        "Models to use when the model fails, instead of those configured.",
        "モデルの呼び出しに失敗したときに、設定の代わりに使うモデル。",
    ),
    (
        "The key itself, shown only in this reply.",
        "キーそのもの。この応答でのみ返されます。",
    ),
    (
        "none, auto, required, or a function.",
        "none、auto、required、または関数。",
    ),
    ("The key, or its SHA-256.", "キー、またはその SHA-256。"),
    ("tags, session_id and the like.", "tags、session_id など。"),
    ("US dollars in a window.", "期間あたりの米ドル。"),
    (
        "A text, or up to 2,048 of them.",
        "テキスト、または最大 2,048 個のテキスト。",
    ),
    (
        "A name that /v1/models lists.",
        "/v1/models に表示される名前。",
    ),
    ("Anthropic's.", "Anthropic の形式。"),
    ("Its SHA-256.", "その SHA-256。"),
];
