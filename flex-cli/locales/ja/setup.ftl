### setup

## 各手順とその結果（例：「1-1 バケット: 設定済み: ap-northeast-1 の my-bucket」）

setup-step-bucket = バケット
setup-step-public-access = ブロックパブリックアクセス
setup-step-acls = ACL
setup-step-encryption = デフォルトの暗号化
setup-step-lifecycle = 未完了のアップロード
setup-step-notice = 提供元への届け出
setup-step-bucket-policy = バケットポリシー
setup-step-identity = IAMユーザー・ロール
setup-step-instance-profile = インスタンスプロファイル
setup-step-assume-role-policy = AssumeRoleポリシー
setup-step-access-key = アクセスキー

setup-right = 設定済み
setup-done = 完了
setup-would-do = 実行予定
setup-not-done = 未実行
setup-waiting = 提供元の作業待ち
setup-left = 変更せず
setup-skipped = 省略
setup-refused = 権限なし
setup-failed = 失敗

setup-because = 原因: { $cause }
setup-not-read = 現在の設定を読み取れないため、変更しません
setup-needs-bucket = バケットがありません
setup-needs-identity = IAMユーザーまたはロールがありません

## バケット

setup-bucket-there = { $region } の { $bucket }
setup-bucket-create = { $region } に { $bucket } を作成
setup-bucket-taken = { $bucket } は別のアカウントのバケットです
setup-bucket-elsewhere = { $bucket } は { $found } にありますが、コピー先は { $region } のバケットでなければなりません
setup-bucket-unclear = { $bucket } は存在しますが、参照できません。別のアカウントのバケットか、この認証情報に権限がありません
setup-bucket-not-read = { $bucket } があるかどうかを確認できません
setup-public-access-blocked = 4項目すべてオン
setup-public-access-block = 4項目すべてオンに設定
setup-acls-disabled = 無効（すべてのオブジェクトの所有者は自社アカウント）
setup-acls-disable = 無効化（すべてのオブジェクトの所有者を自社アカウントにする）
setup-encryption-is-s3 = SSE-S3
setup-encryption-s3 = SSE-S3に設定
setup-encryption-kept = { $key }（指定どおり維持）
setup-encryption-left = このバケットは { $key } で暗号化する設定のため、コピー用ロールにこのキーの使用権限が必要です
setup-lifecycle-there = { $days }日後に中止
setup-lifecycle-add = { $days }日後に中止するルールを追加（既存のルールは変更しません）

## 届け出とバケットポリシー

setup-notice-role-exists = 提供元はコピー用ロールを作成済みです
setup-notice-send = 提供元はコピー用ロールをまだ作成していません。未送付の場合は、以下の文面をお送りください
setup-notice-unknown = 提供元がロールを作成済みかどうかは、ポリシーの設定時に分かります。届け出の文面は --print-notice で表示できます
setup-notice-begins = ----- 提供元への届け出
setup-notice-ends = -----
setup-notice-written = 届け出の文面を { $path } に書き込みました
setup-policy-right = { $role } にバケットの一覧取得とオブジェクトの書き込みを許可しています
setup-policy-put = { $role } にバケットの一覧取得とオブジェクトの書き込みを許可
setup-policy-waiting = { $role } が存在しない間、S3はこのポリシーを受け付けません
setup-policy-unreadable = 現在のポリシーを解釈できないため、追記しません
setup-policy-changed = 表示した後に、ポリシーが他の人によって変更されました
setup-policy-dead-principal = 他のステートメントが、削除されたユーザーまたはロールを指しています
setup-policy-public = 既存のステートメントによりバケットが公開状態になるため、ブロックパブリックアクセスが設定を拒否しました
setup-wait-next = 次の試行まで { $pause }。Ctrl-Cで中断でき、同じコマンドで再開できます
setup-wait-not-yet = { $number }回目（日本時間 { $time }）: 提供元はコピー用ロールをまだ作成していません。次の試行まで { $pause }
setup-wait-no-answer = { $number }回目（日本時間 { $time }）: { $why }。次の試行まで { $pause }

## IAMユーザー・ロール

setup-identity-none = --identity none の指定による
setup-identity-not-read = { $name } を確認できません
setup-user = { $arn }
setup-user-new = ユーザー { $name } を作成
setup-role = { $arn }
setup-role-new = { $service } 用のロール { $name } を作成
setup-role-absent = ロール { $name } がありません
setup-role-not-trusting = { $arn } の信頼ポリシーに { $service } がなく、このサービスでは使えません
setup-assume-right = { $policy } がコピー用ロールの引き受けを許可しています
setup-assume-put = { $role } の引き受けを許可する { $policy } を設定
setup-profile-right = { $name }
setup-profile-new = { $name } を作成し、ロールを追加
setup-profile-other = { $name } には別のロール { $other } が入っています
setup-without-iam = このflexは、IAMの操作を含めずにビルドされています。下記のコマンドで同じ設定ができます

## アクセスキー

setup-key-not-read = ユーザーの既存のキーを確認できないため、作成しません
setup-key-there = { $place } に { $user } の有効なキー { $id } があります
setup-key-new = { $user } のキーを作成し、{ $place } に書き込み
setup-key-print = { $user } のキーを作成
setup-key-place-taken = { $place } は { $file } にすでにあり、上書きしません
setup-key-place-unusable = { $place } を使えません
setup-key-two = { $user } にはAWSの上限である2つのキーがすでにあります: { $ids }
setup-key-use = flexでは --profile { $profile } で使えます（新しいキーが有効になるまで数秒かかります）
setup-key-deleted = 作成したキー { $id } は削除しました。原因を取り除いてから、もう一度実行してください

## 対処

setup-mend-other-name = --bucket で別の名前を選び、その名前を提供元に届け出てください
setup-mend-other-region = 提供元と同じリージョンのバケットを --bucket で指定してください（バケットは移動できません。--region は別のサービスを使う場合のものです）
setup-missing-action = この認証情報に { $action } を許可するか（必要な権限の一覧は `flex setup --print-permissions`）、--owner-profile で別の認証情報を指定してください
setup-mend-explicit-deny = この認証情報には、ポリシーで { $action } が明示的に拒否されています。許可を追加しても効果はありません。そのポリシーの管理者に相談するか（MFAを求めるポリシーであれば、MFAで認証したセッションを使うか）、--owner-profile で別の認証情報を指定してください
setup-mend-credentials = 自社アカウントの認証情報を --owner-profile NAME で指定してください
setup-mend-session = IAMは、GetSessionToken のセッションをMFAで認証した場合にだけ受け付け、GetFederationToken のセッションは受け付けません。--owner-profile で、長期のアクセスキーのプロファイルかロールを指定してください（aws-vault なら --no-session）
setup-mend-owner = setup には自社アカウントの権限を持つ認証情報が必要です。そのプロファイルを --owner-profile で指定してください
setup-mend-expired = セッションを更新してから、同じコマンドをもう一度実行してください
setup-mend-network = ネットワーク、HTTPS_PROXY・NO_PROXY・AWS_CA_BUNDLE、AWS_ENDPOINT_URL を確認してください
setup-mend-again = 同じコマンドをもう一度実行してください
setup-mend-resume = 同じコマンドを実行すると、続きから再開します
setup-mend-acls = 先に、バケットのACLから他のアカウントへの許可を削除してください（使用中のACLは無効化できません）
setup-mend-encryption = SSE-S3に変更するには --encryption s3 を付けてください。維持する場合は、キーポリシーでコピー用ロールに kms:GenerateDataKey と kms:Decrypt を許可して --encryption keep を付けるか、コピー時に --sse AES256 を付けてください
setup-mend-encryption-aws-key = --encryption s3 でSSE-S3に変更するか、--sse AES256 を付けてコピーし、--encryption keep で実行してください（AWS管理のKMSキー aws/s3 は他のアカウントに許可できません）
setup-mend-policy = `flex policy check` で該当箇所を確認し、修正してから同じコマンドをもう一度実行してください
setup-mend-waiting = 提供元がロールを作成するまで（届け出から約5営業日、マニュアル1-2）待ち、同じコマンドをもう一度実行してください。--wait を付けると自動で再試行します
setup-mend-dead-principal = `flex policy check` で該当のステートメントを確認し、削除してから同じコマンドをもう一度実行してください
setup-mend-public = `flex policy check` で公開状態のステートメントを確認し、削除するか、Principal を限定してください
setup-mend-trust = 別のロールを指定するか、信頼ポリシーにサービスを追加してください: aws iam update-assume-role-policy
setup-mend-role-kind = --identity ec2:NAME、ecs:NAME、batch:NAME を指定すると、そのサービス用のロールを作成します
setup-mend-profile = 別のロールを指定するか、そのロールをプロファイルから外してください: aws iam remove-role-from-instance-profile
setup-mend-key-user = アクセスキーの指定を外してください。AWS上のプログラムは自動的にロールを使います
setup-mend-key-profile = --key-profile で別のプロファイル名を指定してください
setup-mend-key-csv = 別のファイルを指定してください
setup-mend-key-two = 使っていないキーを削除してください: aws iam delete-access-key --user-name { $user } --access-key-id { $id }
setup-mend-key-delete = キー { $id } が残っていますが、シークレットは失われました。削除してください: aws iam delete-access-key --user-name { $user } --access-key-id { $id }
setup-mend-key-lost = キーが作成された可能性があります: aws iam list-access-keys --user-name { $user }
setup-mend-notice-file = 書き込み可能なフォルダーにある、まだ存在しないファイルを指定してください: --print-notice FILE
setup-mend-print-role = ロール用のポリシーは `flex policy assume-role` で表示できます

## 結果

setup-question = 以上の{ $number }件を変更しますか
setup-result-done = 設定が完了しました
setup-result-right = 設定済みです。変更した項目はありません
setup-result-would = 変更していません（--dry-run）
setup-result-incomplete = まだ完了していません
setup-result-failed = 設定できませんでした
setup-without-yes = --yes を付けない限り、何も変更しません
setup-print-permissions = 必要な権限の一覧は `flex setup --print-permissions` で表示できます
