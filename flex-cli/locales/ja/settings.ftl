### `flex init` が書き出すファイルと、各設定の意味。ここでの改行はそのままファイルの改行になる

settings-head =
    flexの設定ファイル。--config FILE、$FLEX_CONFIG、./flex.toml、OSの設定フォルダーの順に探し、
    最初に見つかったものを読みます。優先順位はフラグ、環境変数、このファイルの順です。
    行頭の # を外すと設定が有効になります。`flex config show` で現在の値とその出所を確認できます。
    アクセスキーやパスワードはここに書かず、それらを持つAWSプロファイルの名前を指定してください。
settings-variables = 環境変数: { $names }
settings-default = 既定値: { $value }

settings-who = 認証情報
settings-where = バケットとサービス
settings-how = コピー
settings-output = 出力

setting-account =
    提供元に届け出たAWSアカウントID（12桁、マニュアル1-2）。
    未設定の場合は、使用中の認証情報のアカウントになります。
setting-profile =
    コピー用ロールを引き受けるIAMユーザー（マニュアル1-4）のAWSプロファイル。
    環境変数のアクセスキーがあればそちらが優先されます。フラグ --profile で指定した場合、環境変数のキーは使いません。
setting-owner-profile = 自社アカウントの権限を持つAWSプロファイル。コピー用ロールにはできない操作（clean、verify --deep、setup、doctor、policy）に使います。
setting-role-arn = コピー用ロールのARN。マニュアルと異なる場合だけ指定します。
setting-narrow-role = コピー用ロールのセッションを、copy・plan・verify に必要な範囲（両バケットの選択したフォルダー）だけに絞ります。
setting-session-name = コピー用ロールを引き受けるときのセッション名。CloudTrailに記録されます。

setting-bucket = コピー先となる自社のバケット（マニュアル1-1）。
setting-dest-prefix = コピー先で提供元のキーの前に付けるプレフィックス。すべてのコマンドで同じ値にしてください。
setting-source-bucket = 提供元のバケット。
setting-source-account = 提供元のアカウント。すべてのリクエストで、両バケットの所有者がこのとおりであることを確かめます。
setting-region = 両バケットとSTSのリージョン。AWS_REGION は参照しません。
setting-endpoint-url =
    S3のエンドポイント。S3互換ストレージやテスト用です。このマシン以外のエンドポイントは、フラグ、環境変数、
    または --config で指定したファイルのものだけを使い、自動で見つけた flex.toml のものは使いません。
    このマシン以外への http:// は、--allow-http を付けない限り拒否します。
setting-sts-endpoint-url = STSのエンドポイント。扱いは endpoint-url と同じです。

setting-include = ファイル名がいずれかのパターンに一致するものだけを対象にします。
setting-exclude = ファイル名が一致するものを除外します。include より優先されます。
setting-proof = etag: ETagでしかコピーを証明できない場合に、コピー元のパート構成を保ちます。size: 保ちません。
setting-on-change = コピー先に内容の異なるオブジェクトがある場合の扱い。copy（置き換える）、keep（残す）、fail（失敗とする）。
setting-journal = 進行中のアップロードを書き留めるファイル。強制終了された実行の続きから再開できます。"none" で書きません。
setting-manifest = コピーごとに確かめたことの記録を書くファイルかフォルダー。verify が読みます。フォルダーには実行ごとに別のファイルを書きます。"none" で書きません。
setting-storage-class = コピー先のストレージクラス。
setting-sse = コピー先の暗号化。AES256、または aws:kms: に続けてキーのIDかARN。未設定の場合はバケットの設定に従います。
setting-max-in-flight = 同時に実行するリクエスト数の上限。実際の数は自動的に決まります。
setting-max-rps = 1秒あたりのリクエスト数の上限。未設定の場合は上限なし。
setting-answer-timeout = 応答がないリクエストを再試行するまでの秒数。大きなオブジェクトのコピーはこれより長く待ちます。
setting-no-expected-owner = バケットの所有者アカウントを確認しません。
setting-compat = S3互換ストレージ向け。AWSだけが理解するヘッダーを送りません。
setting-calendar = 取引カレンダーを補正するファイル。相対パスはこのファイルの場所を起点とします。

setting-lang = 対処方法と、doctor・setup・policy check の表示言語。en または ja。未設定の場合はロケールに従います。
