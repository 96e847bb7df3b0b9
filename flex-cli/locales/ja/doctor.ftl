### `flex doctor` の表示

## 用語

doctor-state-ok = 正常
doctor-state-warning = 注意
doctor-state-broken = 異常
doctor-state-not-checked = 未確認
doctor-step = （マニュアル{ $step }）
doctor-because = 原因:
doctor-or = または:
doctor-needs = 先に解決が必要: { $links }
doctor-no-time = ここまでの確認に時間がかかり、確認できませんでした
doctor-no-right = 所有者の認証情報に { $action } の権限がないため、確認できません
doctor-not-read = 読み取れませんでした
doctor-counts = （正常 { $ok }、注意 { $warnings }、異常 { $broken }、未確認 { $unchecked }）
doctor-result-ok = 異常はありません
doctor-result-warnings = 異常はありませんが、注意の項目を確認してください
doctor-result-broken = 異常があります

doctor-title-version = バージョン
doctor-title-configuration = 設定
doctor-title-sts-endpoint = STSの接続先
doctor-title-s3-endpoint = S3の接続先
doctor-title-clock = 時計
doctor-title-identity = 利用者の認証情報
doctor-title-account = アカウント
doctor-title-role = コピー用ロール
doctor-title-token = トークンの有効期間
doctor-title-owner = 所有者の認証情報
doctor-title-bucket = 自社のバケット
doctor-title-public-access = パブリックアクセス
doctor-title-ownership = オブジェクト所有者
doctor-title-encryption = 暗号化
doctor-title-lifecycle = ライフサイクル
doctor-title-policy = バケットポリシー
doctor-title-source = 提供元のバケット
doctor-title-licence = 契約範囲のデータ
doctor-title-destination = 自社のバケットの一覧
doctor-title-write-probe = 書き込みの試行
doctor-title-uploads = 未完了のアップロード

doctor-label-account = アカウント
doctor-label-action = 権限
doctor-label-address = アドレス
doctor-label-bucket = バケット
doctor-label-caller = 呼び出し元
doctor-label-endpoint = 接続先
doctor-label-expires = 有効期限
doctor-label-file = ファイル
doctor-label-finding = 問題点
doctor-label-found = 実際の値
doctor-label-from = 取得元
doctor-label-given = 指定値
doctor-label-example = 例
doctor-label-key = キー
doctor-label-key-id = アクセスキーID
doctor-label-kms-key = KMSキー
doctor-label-latest = 最新の日付
doctor-label-lifetime = 有効期間の理由
doctor-label-not-licensed = 読み取り不可
doctor-label-note = 備考
doctor-label-policies = ポリシー
doctor-label-proxy = プロキシ
doctor-label-region = リージョン
doctor-label-role = ロール
doctor-label-sample = 確認した数
doctor-label-skew = 時刻の差

## このマシン

doctor-version = flex { $version }
doctor-configuration-none = 設定ファイルはなく、フラグと環境変数だけを使っています
doctor-configuration-file = { $file } を使っています
doctor-configuration-empty = { $name } に空の値が設定されています
doctor-configuration-ca = AWS_CA_BUNDLE のCA証明書ファイルを使用できません
doctor-configuration-unusable = この設定では動作できません
doctor-mend-unset = { $name } の設定を削除してください
doctor-mend-without-flag = --{ $name } の指定を外してください（他のコマンドでも同様です）
doctor-mend-file-line = { $file } の{ $line }行目にある { $name } を削除してください
doctor-mend-ca-bundle = プロキシがTLS通信を復号する環境では、その証明書（PEM形式）を AWS_CA_BUNDLE に指定してください

## 接続先

doctor-endpoint-ok = { $endpoint } から応答がありました
doctor-endpoint-plain-http = { $endpoint } から応答がありましたが、暗号化されないHTTPです。通信の内容を途中で読み取られたり改変されたりするおそれがあります
doctor-endpoint-proxy = { $variable } で指定されたプロキシ { $proxy } を経由して { $endpoint } に接続できません
doctor-endpoint-proxy-auth = { $endpoint } への接続に使うプロキシが、ユーザー名とパスワードを求めています
doctor-endpoint-gateway = { $endpoint } の代わりに途中のゲートウェイが { $status } を返しました
doctor-endpoint-timeout = { $endpoint } から応答がありません
doctor-endpoint-dns = { $endpoint } の名前を解決できません
doctor-endpoint-tls = { $endpoint } の証明書を、このマシンは信頼できません
doctor-endpoint-unreachable = { $endpoint } に接続できません
doctor-endpoint-region = 提供元のバケットは { $found } にありますが、{ $asked } 向けに署名しています
doctor-endpoint-not-sts = { $endpoint } から応答がありましたが、STSではありません。S3のエンドポイント（VPCエンドポイントを含む）ではSTSを利用できません
doctor-endpoint-disabled = アカウントの設定により、{ $region } のSTSが無効になっています
doctor-value-private = { $address }（プライベートアドレス。VPCのインターフェイスエンドポイントの場合、そのポリシーで両方のバケットを許可する必要があります）
doctor-mend-network = ネットワーク、ファイアウォール、VPCのルートを確認してください。flexは ap-northeast-1 のSTSとS3にHTTPSで接続します
doctor-mend-https = httpsの接続先を使ってください
doctor-mend-proxy = { $variable } を確認してください。プロキシ経由でも直接でも接続できません
doctor-mend-no-proxy = { $variable } のプロキシを使わなければ接続できます。対象から外してください
doctor-mend-proxy-auth = プロキシのURLに両方を書いてください: http://NAME:PASSWORD@HOST:PORT
doctor-mend-region = { $region } 向けに署名してください
doctor-mend-split-endpoint = この接続先をS3だけに使ってください
doctor-mend-sts-endpoint-file = AWSのプロファイルからSTSの接続先の指定を削除してください
doctor-mend-region-sts = アカウントの管理者が、IAMコンソールの「アカウント設定」にある Security Token Service で { $region } を有効にしてください

## 時計

doctor-clock-ok = AWSの時刻と一致しています
doctor-clock-drift = AWSの時刻とずれ始めています
doctor-clock-broken = AWSの時刻との差が許容範囲の{ $minutes }分を超えています。署名付きのリクエストはすべて拒否されます
doctor-clock-unknown = 時刻を含む応答がありませんでした
doctor-value-ahead-seconds = AWSより{ $number }秒進んでいます
doctor-value-behind-seconds = AWSより{ $number }秒遅れています
doctor-value-ahead-minutes = AWSより{ $number }分進んでいます
doctor-value-behind-minutes = AWSより{ $number }分遅れています
doctor-mend-clock = このマシンの時計を合わせてください（NTPを推奨します。コンテナの場合はホストの時計です）

## 認証情報

doctor-identity-ok = { $caller }
doctor-identity-stray = 認証情報は見つかりましたが、一部だけが設定された環境変数（{ $names }）は無視されています
doctor-identity-half = 環境変数は { $names } だけが設定されていて、不足があります。他の認証情報も見つかりません
doctor-identity-none = AWSの認証情報が見つかりません（環境変数、プロファイル、コンテナやインスタンスのロールのいずれもありません）
doctor-identity-timeout = 認証情報の取得元から応答がありません
doctor-identity-no-profile = プロファイル { $name } がありません
doctor-identity-own-profile = プロファイル { $name } の credential_process がflex自身になっています
doctor-identity-sso = プロファイル { $name } のサインインが切れています
doctor-identity-process = プロファイル { $name } の credential_process から認証情報を得られませんでした
doctor-identity-profile = プロファイル { $name } から認証情報を得られませんでした
doctor-identity-expired = 認証情報の有効期限が切れています
doctor-identity-expired-exported = 環境変数に設定された一時的な認証情報の有効期限が切れています
doctor-identity-stale-token = 不要な AWS_SESSION_TOKEN が残っています。環境変数のアクセスキーは長期のもので、トークンは必要ありません
doctor-identity-no-token = 環境変数のアクセスキーは一時的なものですが、AWS_SESSION_TOKEN がありません
doctor-identity-wrong-secret = シークレットアクセスキーがアクセスキーIDと一致しません
doctor-identity-region = STSへのリクエストが、接続先と異なるリージョン向けに署名されています
doctor-identity-unknown-key = このアクセスキーはAWSで有効ではありません（無効化または削除されています）
doctor-identity-clock = 署名の時刻が原因でAWSに拒否されました
doctor-identity-no-answer = STSから応答がありませんでした
doctor-identity-refused = 呼び出し元の確認がSTSに拒否されました
doctor-value-environment = 環境変数
doctor-value-profile = プロファイル { $name }
doctor-value-profile-process = プロファイル { $name }（credential_process）
doctor-value-profile-sso = プロファイル { $name }（SSO）
doctor-value-profile-role = プロファイル { $name }（ロール）
doctor-value-web-identity = Webアイデンティティのトークン
doctor-value-container = コンテナのロール
doctor-value-instance = インスタンスのロール
doctor-mend-use-profile = プロファイル { $name } を使ってください
doctor-mend-pick-profile = 次のいずれかのプロファイルを使ってください: { $names }
doctor-mend-make-profile = IAMユーザーのアクセスキーでプロファイルを作成してください: aws configure --profile flex-copy
doctor-mend-stray = 環境変数の設定を削除してください
doctor-mend-sso = もう一度サインインしてください
doctor-mend-sign-in = 同じ方法で認証情報を取得し直してください
doctor-mend-process = プロファイル { $name } のコマンドを手動で実行し、表示される内容を確認してください
doctor-mend-profile = AWSの設定ファイルでプロファイル { $name } を確認してください
doctor-mend-new-key = マニュアルのIAMユーザー用に新しいアクセスキーを作成して使ってください
doctor-mend-unset-keys = 環境変数のキーを削除してください。flexが利用者自身の認証情報でロールを引き受けます
doctor-mend-unset-token = トークンの環境変数を削除してください
doctor-mend-export-token = 他の2つと同じ取得元から、AWS_SESSION_TOKEN も設定してください
doctor-mend-secret = シークレットアクセスキーをもう一度、全体をコピーしてください（40文字で、/ や + を含むことがあります）
doctor-mend-activate-key = { $key } を再び有効にしてください（IAMコンソールで、ユーザーの「セキュリティ認証情報」）
doctor-mend-support = リクエストIDを添えてAWSサポートに問い合わせてください
doctor-account-ok = { $account }
doctor-account-other = アカウント { $given } が指定されていますが、認証情報は { $found } のものです
doctor-account-role = 指定されたロールはアカウント { $found } 用ですが、認証情報のアカウントは { $own } です
doctor-account-unknown = 認証情報のアカウントが分かりません
doctor-value-is-role = 環境変数の認証情報は、すでにコピー用ロールのものです
doctor-mend-other-identity = 指定したアカウントの認証情報を使ってください
doctor-mend-name-account = アカウントIDを指定してください: --account ID

## コピー用ロール

doctor-role-ok = { $role } を引き受けました
doctor-role-root = アカウントのルートユーザーはロールを引き受けられません
doctor-role-own-policy = { $caller } に、コピー用ロールの引き受けを許可するポリシーがありません
doctor-role-denies = { $caller } がコピー用ロールを引き受けることを禁止するポリシーがあります
doctor-role-trust = { $role } は存在し、自社側では引き受けを許可していますが、ロールが自社アカウントを信頼していません
doctor-role-deleted = { $role } は削除されています。バケットポリシーには削除前のロールが残っています
doctor-role-not-created = 自社側では { $role } の引き受けを許可していますが、提供元がまだロールを作成していないか、ロールが自社アカウントを信頼していません
doctor-role-other = 設定されている { $role } は拒否されました。自社アカウントのコピー用ロールは { $own } です
doctor-role-refused = { $caller } はコピー用ロールを引き受けられません。AWSは理由を示しません
doctor-role-failed = STSからロールの認証情報を得られませんでした
doctor-value-role-exists = バケットポリシーにロールが記載されているため、ロールは存在します
doctor-mend-not-root = マニュアルのIAMユーザーを作成し、そのアクセスキーを使ってください
doctor-mend-own-policy = マニュアルのポリシーを設定してください
doctor-mend-own-policy-by-hand = `flex policy assume-role` で必要なポリシーを表示できます
doctor-mend-deny = アカウントの管理者に確認してください。明示的な拒否（Deny）、アクセス許可の境界、組織のポリシーは、マニュアルのポリシーより優先されます
doctor-mend-trust = 提供元に連絡し、ロールが自社アカウントを信頼するよう依頼してください
doctor-mend-vendor-role = 提供元にロールの再作成を依頼し、そのあとマニュアル1-3をやり直してください
doctor-mend-wait-for-role = 提供元の作業（届け出から約5営業日）をお待ちください。まだの場合は届け出てください
doctor-mend-notice = 提供元への届け出の文面は、次のコマンドで表示できます
doctor-mend-setup-wait = そのあと設定を完了してください。このコマンドはロールの作成を待ちます。ロールがない間は、ロールを記載したバケットポリシーをAWSが受け付けません
doctor-mend-role-causes = 原因は次の3つのいずれかです: 認証情報にマニュアルのポリシーがない（マニュアル1-4）、提供元がまだロールを作成していない（マニュアル1-2）、ロールが別のアカウントを信頼している
doctor-mend-owner-tells = 自社アカウントの権限を持つ認証情報があれば、原因を特定できます: flex doctor に --owner-profile NAME を付けてください
doctor-token-long = 12時間有効で、自動的に更新されます
doctor-token-short = 1時間有効で、自動的に更新されます
doctor-token-exported = 使用中の認証情報はすでにコピー用ロールのもので、期限が切れても更新できません
doctor-value-long-term-keys = 長期のアクセスキーを使っているため
doctor-value-temporary = 使用中の認証情報が一時的なものであるため
doctor-value-chained = 使用中の認証情報が引き受けたロールのもので、AWSの上限が1時間であるため
doctor-value-role-maximum = ロールの最大セッション時間が12時間より短いため
doctor-value-twelve-refused = STSが12時間を拒否したため
doctor-mend-own-identity = 利用者自身の認証情報を使ってください。ロールの引き受けはflexが行います

## 所有者の認証情報と自社のバケット

doctor-owner-ok = { $caller }
doctor-owner-none = 使用中の認証情報にはバケットの設定を参照する権限がありません（マニュアルのIAMユーザーとしては正しい状態です）
doctor-owner-no-rights = { $caller } にはバケットの設定を参照する権限がありません
doctor-owner-other = 所有者の認証情報はアカウント { $found } のもので、{ $given } のものではありません
doctor-mend-owner-profile = 自社アカウントの権限を持つ認証情報を指定してください: --owner-profile NAME
doctor-mend-permissions = 管理者に依頼する権限は、次のコマンドで表示できます
doctor-bucket-ok = { $bucket } は存在し、自社のものです
doctor-bucket-not-named = コピー先のバケットが指定されていません
doctor-bucket-is-source = { $bucket } は提供元のバケットです
doctor-bucket-missing = { $bucket } は存在しません
doctor-bucket-region = { $bucket } は { $want } ではなく { $found } にあります
doctor-bucket-elsewhere = { $bucket } は { $want } にありません
doctor-bucket-other = { $bucket } は別のアカウントのものです
doctor-bucket-unknown = 権限がないため、{ $bucket } の所有者を確認できません
doctor-mend-setup-bucket = バケットを作成し、必要な設定を行ってください
doctor-mend-bucket-name = 名前を確認してください（--bucket、FLEX_BUCKET、flex.toml の bucket）
doctor-mend-new-bucket = 東京リージョンに自社のバケットを作成してください
doctor-mend-use-bucket = そのバケットを使ってください
doctor-mend-tell-vendor = 提供元が許可するのは届け出た1つのバケット名だけです。届け出の内容（マニュアル1-2）と照らし合わせ、異なる場合は届け出直してください
doctor-mend-setup = マニュアルのとおりに設定してください（他の設定は変わりません）
doctor-public-ok = 4つの設定がすべて有効です
doctor-public-open = 一部が無効です。バケットポリシーを誤ると、誰でもアクセスできる状態になるおそれがあります
doctor-ownership-ok = すべてのオブジェクトを自社アカウントが所有します
doctor-ownership-preferred = flexがコピーしたオブジェクトを自社アカウントが所有します
doctor-ownership-writer = コピーしたオブジェクトを提供元のロールが所有することになります
doctor-ownership-unknown = { $mode }（flexが対応していない設定です）
doctor-encryption-ok = S3のキーで暗号化します
doctor-encryption-chosen = --sse の指定により、S3のキーで暗号化します
doctor-encryption-aws-key = AWS管理のKMSキー aws/s3 で暗号化する設定です。他のアカウントのコピー用ロールは使用できないため、コピーはすべて拒否されます
doctor-encryption-kms = KMSで暗号化する設定です。キーがコピー用ロールを許可していなければコピーは拒否されます。また、ETagでは内容を確認できません
doctor-encryption-unknown = { $kind }（flexが対応していない設定です）
doctor-mend-encryption = S3のキーによる暗号化に変更してください
doctor-mend-sse = バケットの設定は変えず、--sse AES256（または flex.toml の sse = "AES256"）でコピーしてください
doctor-mend-kms-grant = キーポリシーでコピー用ロールに kms:GenerateDataKey と kms:Decrypt を許可してください。提供元もロールに同じ権限を与える必要があります
doctor-lifecycle-ok = 未完了のアップロードを{ $days }日後に中止します
doctor-lifecycle-absent = 未完了のアップロードを中止するルールがありません。残ったパートには料金がかかります
doctor-value-rules = 次のルールはオブジェクトを削除または移行します: { $rules }
doctor-policy-ok = マニュアルのとおり、コピー用ロールに一覧の取得と書き込みを許可しています
doctor-policy-absent = バケットポリシーがないため、コピー用ロールは書き込めません
doctor-mend-policy = マニュアルのステートメントを設定してください（他のステートメントは変わりません）
doctor-mend-print-policy = 管理者に依頼するポリシーは、次のコマンドで表示できます
doctor-mend-policy-deny = { $path } の拒否（Deny）は、誰かが意図して設定したものです。設定した人に確認し、削除するか、コピー用ロールを対象から外してください

## コピー用ロールから見た両方のバケット

doctor-source-ok = { $bucket } の一覧を取得できます
doctor-source-empty = { $bucket } は空です
doctor-source-denied = コピー用ロールに { $bucket } の一覧を取得する権限がありません
doctor-source-other = { $bucket } はアカウント { $account } のものではありません
doctor-source-missing = バケット { $bucket } は存在しません
doctor-source-region = { $bucket } は { $region } にありません
doctor-source-no-answer = { $bucket } についてS3から応答がありませんでした
doctor-source-failed = { $bucket } の一覧を取得できませんでした
doctor-vpc-endpoint = S3への接続に使うVPCエンドポイントのポリシーが { $bucket } を許可していません
doctor-mend-vpc-endpoint = エンドポイントのポリシーで、{ $bucket } への s3:ListBucket と s3:GetObject、自社のバケットへの s3:ListBucket、s3:PutObject、s3:PutObjectAcl を許可してください
doctor-mend-vpc-endpoint-own = エンドポイントのポリシーで、{ $bucket } への s3:ListBucket、s3:PutObject、s3:PutObjectAcl と、提供元のバケットへの s3:ListBucket、s3:GetObject を許可してください
doctor-mend-source-denied = 提供元が許可するのは契約期間内だけです（マニュアル1-2）。契約が始まっているか、終わっていないかを確認してください
doctor-licence-ok = 確認した{ $all }件のうち{ $readable }件を読み取れます。残りは契約対象外です
doctor-licence-all = 確認した{ $all }件をすべて読み取れます
doctor-licence-none = 確認した{ $all }件は、いずれも読み取れません。一覧には表示されますが、契約対象外です
doctor-licence-nothing = 一覧に、確認できるオブジェクトがありません
doctor-licence-unknown = 読み取れるかどうか、S3から回答を得られませんでした
doctor-mend-licence = 契約の期間と対象商品を提供元に確認してください（マニュアル1-2）
doctor-destination-ok = コピー用ロールで { $bucket } の一覧を取得できます
doctor-destination-denied = コピー用ロールに { $bucket } の一覧を取得する権限がありません。バケットポリシーが許可していないか、提供元が別のバケットを登録しています
doctor-mend-look-at-policy = 上に示したバケットポリシーの注意が原因の可能性があります。先にそちらを確認してください
doctor-destination-not-registered = バケットポリシーはコピー用ロールを許可していますが、ロール側の権限がありません。提供元が { $bucket } とは別のバケットを登録しています

## 書き込み

doctor-probe-not-asked = --write-probe を付けると、1件をコピーして確認します
doctor-probe-copied = { $key } をコピーし、{ $proof } で確認しました
doctor-probe-identical = { $key } はすでにあり、ETagが一致しています
doctor-probe-kept = { $key } はすでにあり、サイズが一致しています
doctor-probe-refused = コピー元は読み取れますが、自社のバケットが { $key } の書き込みを拒否しました
doctor-probe-failed = { $key } をコピーできませんでした
doctor-mend-probe-setup = バケットの設定を確認し、修正してください
doctor-uploads-none = ありません
doctor-uploads-young = 1時間以内に始まったものが{ $number }件あります（実行中のflexが使用している可能性があります）
doctor-uploads-unfinished = flexの未完了のアップロードが{ $number }件残っています。そのパートには料金がかかります
doctor-uploads-unknown = 一覧を取得できませんでした
doctor-value-other-uploads = ほかに、flex以外が始めたものが{ $number }件あります
doctor-mend-clean = 中止してください
