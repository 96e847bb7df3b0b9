### エラーへの対処（「対処:」に続く行）

to-mend = 対処:

## マニュアルの手順

step-notice = 提供元が許可するのは、届け出た1つのアカウント、1つのバケット名、契約期間内のデータだけです（マニュアル1-2）。届け出た内容と照らし合わせてください
step-policy = マニュアル1-3をやり直してください。`flex policy bucket` でバケットポリシーを表示できます
step-assume-role = マニュアル1-4をやり直してください。`flex policy assume-role` でIAMユーザー用のポリシーを表示できます
step-user = マニュアル1-4をやり直してください。IAMユーザーのアクセスキーを `aws configure` で登録して --profile NAME で指定するか、環境変数で渡してください
wait-for-role = または、提供元によるロールの作成をお待ちください（届け出から約5営業日、マニュアル1-2）
ask-doctor = `flex doctor` がすべての手順を調べ、原因となっている手順を示します

## 認証情報

unset-role-keys = 環境変数 AWS_ACCESS_KEY_ID、AWS_SECRET_ACCESS_KEY、AWS_SESSION_TOKEN を削除してください。マニュアル1-5（ロールの引き受け）は、flexが利用者自身の認証情報を使って行います
sign-in-again = SSOでサインインしている場合は、もう一度サインインしてください: aws sso login --profile NAME
wrong-account = --account（FLEX_ACCOUNT、flex.toml の account）の指定を外すか、そのアカウントの認証情報を --profile で指定してください
name-account = または、アカウントIDを指定してください: --account ID
set-clock = このマシンの時計を合わせてください（NTPの利用を推奨します）
sts-region = アカウントの管理者が、このリージョンのSTSを有効にする必要があります（IAMコンソールの「アカウント設定」にある Security Token Service）
sts-other = 同じコマンドをもう一度実行してください。解消しない場合は、リクエストIDを添えてAWSサポートに問い合わせてください
profile-known = 設定ファイルにあるプロファイルを指定してください: { $profiles }
profile-none = 設定ファイルにプロファイルがありません。`aws configure --profile NAME` で作成できます
own-profile = このプロファイルは他のプログラム用です。flexにはIAMユーザー自身のプロファイルを --profile NAME で指定してください。credential_process の行でも同様です: flex creds process --profile NAME
process-json = 認証情報をJSONで出力するには `flex creds process` を使ってください
exec-or-process = --json を外してください。認証情報をJSONで出力するには `flex creds process` を使ってください
other-shell = --shell で別のシェルを指定するか、`flex creds exec -- COMMAND` でプログラムを実行してください
command-not-found = つづりとPATHを確認してください。シェルの機能を使う場合はシェルを介してください: flex creds exec -- sh -c 'COMMAND'
command-not-executable = 実行権限を付けるか、実行するプログラムを指定してください: flex creds exec -- sh FILE
flex-by-path = flexを絶対パスで起動してください

## ネットワーク

network-s3 = S3のエンドポイントは { $endpoint } です。ネットワーク、環境変数 HTTPS_PROXY・NO_PROXY・AWS_CA_BUNDLE、--endpoint-url を確認してください
network-sts = ネットワーク、環境変数 HTTPS_PROXY・NO_PROXY・AWS_CA_BUNDLE、--sts-endpoint-url を確認してください
run-again = そのあと同じコマンドをもう一度実行してください。完了した分はそのまま残っています
run-again-log = 同じコマンドをもう一度実行してください。完了した分はそのまま残っています。解消しない場合は、-vv --log-file FILE でサービスの応答を記録できます
plain-http = https:// で始まるURLを指定してください。経路のネットワークを信頼できる場合は --allow-http（FLEX_ALLOW_HTTP=1）で許可できます
narrow-less = 一度に指定する範囲を減らすか、--narrow-role を外してください
profile-endpoint = AWSプロファイルまたは環境変数の endpoint_url は https://s3.example.com のようにスキームとホストだけにしてください。鍵は aws_access_key_id と aws_secret_access_key に書きます
unset-or-fill = この設定を削除するか、URLを設定してください
ca-bundle = AWS_CA_BUNDLE にPEM形式の証明書ファイルを指定するか、この環境変数を削除してください

## バケット

look-at-source = --source-bucket と --source-account を指定している場合は、その値を確認してください
look-at-bucket = --bucket の値と、そのバケットが自社アカウントのものであることを確認してください（--no-expected-owner を付けると所有者を確認しません）
kms-or-aes256 = バケットがKMSで暗号化する設定の場合、コピー用ロールにキーの使用権限が必要です。--sse AES256 を付ければキーは不要です
look-at-name = 名前を確認してください。--bucket は自社のバケット（マニュアル1-1で ap-northeast-1 に作成）、--source-bucket は提供元のバケットです
one-region = 両方のバケットが同じリージョンにある必要があります。マニュアル1-1を ap-northeast-1 でやり直してください（--region はAWS以外のサービスで使うものです）
listing-of-s3 = 応答したサービスの一覧の形式がS3と異なります。--endpoint-url を確認してください
name-bucket = コピー先のバケットを指定してください: --bucket NAME、環境変数 FLEX_BUCKET、または flex.toml の bucket = "NAME"
bucket-name = コンソールに表示されるバケット名だけを書いてください（a-z、0-9、-、. からなる3～63文字）
name-destination = コピー先を --bucket NAME で指定してください
name-destination-or-pair = コピー先を --bucket NAME で指定するか、末尾が同じパスのURLを2番目の引数に書いてください
list-own-bucket = 自社のバケットの一覧は --dest --bucket NAME で表示できます
one-destination = コピー先は、URLか、--bucket と --dest-prefix か、どちらか一方で指定してください
pair-of-urls = マニュアルのとおり、2つのURLを組にして書いてください: s3://dataservice-flex-bucket/2021/05 s3://my-bucket/2021/05

## 対象の指定

selection-forms = `flex copy --help` で、対象の指定方法をすべて確認できます
selection-dates = データは2010年から今日までです。`flex ls` で、どの年があるかを確認できます
quote-selection = 引用符で囲むか、短い書き方を使ってください: 'ConnectionSpec/Standard/version 17.4/Japanese'、spec:standard/17.4/ja
list-specifications = `flex ls -r ConnectionSpec` で、提供されている接続仕様書を確認できます

## 設定

did-you-mean = { $name } の間違いではありませんか
settings-known = `flex init FILE` で、すべての設定項目を記したファイルを作成できます
setting-example = 次のように書いてください: { $example }
setting-not-text = UTF-8の値を設定するか、この環境変数を削除してください
settings-origin = `flex config show` で、現在の設定とその出所を確認できます
config-unreadable = パスとアクセス権を確認してください。`flex init FILE` で新しいファイルを作成できます
config-not-text = UTF-8で保存し直してください。`flex init FILE` で新しいファイルを作成できます
config-syntax = 該当する行を直してください（文字列は引用符で、リストは角括弧で囲みます）。`flex init FILE` で作成したファイルと見比べられます
init-exists = `flex config show` で内容を確認するか、別のファイル名を指定してください: flex init OTHER.toml
init-folder = 書き込み権限のある既存のフォルダー内のファイルを指定してください: flex init FILE
log-file = 書き込み権限のある既存のフォルダー内のファイルを指定してください: --log-file FILE
man-folder = 書き込み権限のあるフォルダーを指定してください: flex man --dir DIR

## コマンド

clean-needs-owner = cleanは自社アカウントの認証情報で動作し、バケットに対する s3:ListBucketMultipartUploads と s3:AbortMultipartUpload の権限が必要です。そのプロファイルを --owner-profile で指定してください
deep-needs-owner = verify --deep は自社アカウントの認証情報でコピーを読み取ります。バケットのオブジェクトに対する s3:GetObject（`flex setup --print-permissions` で表示できます）と、バケットがKMSで暗号化する場合はそのキーに対する kms:Decrypt の権限が必要です。そのプロファイルを --owner-profile で指定してください
deep-what = 読み取る対象を `flex verify --deep 2021/05` のように指定してください
deep-no-manifest = どちらか一方を外してください。`flex verify --manifest FILE` は記録から検証し、何も読み取りません
deep-record-in-use = 終わるのを待つか、--deep-record で別のファイルを指定してください
deep-record-file = --deep-record には、読み書きのできるファイルを、書き込みのできるフォルダーの中で指定してください
deep-record-other = --deep-record で別のファイルを指定してください。まだないファイルは新しく作られ、すべてを読み取ります
clean-ends-uploads = 自社アカウントの認証情報で `flex clean` を実行すると、未完了のアップロード（パートに料金がかかります）を中止できます
demo-without-json = --json を外してください。プログラムからは `flex copy --json` や `flex verify --json` を使ってください
demo-build = ソースツリーで、デモを含むflexをビルドしてください: cargo run --release -p flex-cli --features demo -- demo
demo-again = もう一度実行してください。必要なのは、一時ファイル用のフォルダーと、このマシンの空きポートだけです（ネットワークは使いません）
report-fault = flex自体の不具合です。-vv --log-file FILE を付けて同じコマンドをもう一度実行し、そのログを添えて報告してください
see-help = コマンドに --help を付けると、指定できるものとその書き方を確認できます
few-resources = このマシンのメモリーまたはプロセス数（ulimit -u）に余裕を持たせてから、もう一度実行してください

## 注記

warning-copy-role = 警告: 使用中の認証情報はすでにコピー用ロール { $role } のもので、期限が切れても更新できません。環境変数 AWS_ACCESS_KEY_ID、AWS_SECRET_ACCESS_KEY、AWS_SESSION_TOKEN を削除してください。flexが利用者自身の認証情報でロールを引き受けます
init-endpoint = このマシン以外のエンドポイントが有効になるのは、--config { $file } または環境変数 FLEX_CONFIG でこのファイルを指定した場合だけです
short-token = この環境変数の有効期間は{ $minutes }分で、実行するコマンドからは更新できません。プロファイルに `credential_process = flex creds process` を設定すれば自動的に更新されます
unknown-token = この環境変数の有効期間は不明で、実行するコマンドからは更新できません

manifest-exists = 使われていない名前か、フォルダー（/ で終わるパス）を指定してください。フォルダーには実行ごとに別のファイルを書きます
manifest-unfinished = 別の flex が書き込み中かもしれません。そうでなければ、強制終了された実行が残したものです。`flex verify --manifest { $path }` で読めます。別の場所に移してから、もう一度実行してください
manifest-unwritable = 書き込みのできるフォルダーのファイルを指定するか、--manifest なしで実行してください
manifest-one = copy が書くマニフェストは一つです。--manifest は一度だけ指定してください
manifest-none = `flex copy --manifest` が書き込んだフォルダーか、ファイルを指定してください。フォルダーでは、名前が { $suffix } で終わるものを読みます
manifest-other = このコピー先のマニフェストを指定するか、マニフェストと同じ --source-bucket、--bucket、--dest-prefix を指定してください
manifest-unreadable = パスと、読み取りの権限を確かめてください
manifest-not-one = `flex copy --manifest` が書いたファイルを指定してください
manifest-newer = 書いた flex と同じか、より新しい版の flex で読んでください
manifest-untrusted = 書かれた元のファイルを使うか、このファイルなしで検証してください。その場合は一覧だけで確かめられることを確かめます
verify-what = 検証する対象を、`flex verify 2021/05` のように指定するか、マニフェストを `flex verify --manifest FILE` のように指定してください。後者では記録されたすべてを検証します
against-needs-manifest = 両方を指定してください。`flex verify --manifest A --against B`
against-plain-selection = 日付か prefix:KEY で選ぶか、両方のマニフェスト全体を比べてください

journal-in-use = もう一方の flex が終わるのを待つか、この実行に別のジャーナルを --journal PATH で指定してください
journal-file = 読み書きのできるファイルを、書き込みのできるフォルダーの中で指定してください。--journal none ではジャーナルを書きません
journal-other = まだないファイルか、flex がジャーナルとして書いたファイルを指定してください。--journal none ではジャーナルを書きません
