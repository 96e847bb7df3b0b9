### policy

policy-paste-bucket = これをバケットのポリシーとして貼り付けてください（マニュアル1-3）。既存のポリシーに追加するには `flex policy apply` を使ってください
policy-paste-assume-role = これをIAMユーザーのポリシーとして貼り付けてください（マニュアル1-4）

policy-error = エラー
policy-warning = 警告
policy-breaks = 影響:
policy-none = バケット { $bucket } にはポリシーがありません
policy-nothing = 問題はありません。このポリシーで、コピー用ロールは必要な操作を行えます
policy-found = エラー{ $errors }件、警告{ $warnings }件
policy-warned = エラーはありません（警告{ $warnings }件）。このポリシーで、コピー用ロールは必要な操作を行えます
policy-apply-mends = `flex policy apply` で、flexが直せるものを直せます。変更内容は `flex policy check --fix` で確認できます
policy-fix-none = flexが直せるものはありません
policy-fix-leaves = 次のものは変更しません。ご自身で判断してください:
policy-question = このポリシーをバケット { $bucket } に設定しますか
policy-without-yes = 何も変更していません。変更するには --yes を付けてください
policy-applied = バケット { $bucket } のポリシーを変更しました
policy-right = バケット { $bucket } のポリシーは正しく設定済みです（何も変更していません）
policy-not-ours = 何も変更していません。問題のある箇所は、flexが変更すべきものではありません
policy-mend-by-hand = S3コンソールで直すか、削除してから、同じコマンドをもう一度実行してください
policy-mend-waiting = 提供元がロールを作成するまで（届け出から約5営業日、マニュアル1-2）待ってから、同じコマンドをもう一度実行してください。`flex setup --wait` を使えば自動的に待ちます

## 検査結果（問題、影響、対処）

policy-malformed-breaks = 書式の誤りとして、AWSがこのポリシーを拒否します

policy-invalid-json-problem = { $line }行{ $column }文字目がJSONとして正しくありません: { $mistake ->
    [trailing-comma] 最後の要素の後ろに余分なコンマがあります
    [missing-comma] この前にコンマがありません
    [double-comma] コンマが1つ余分です
    [smart-quote] 引用符が半角の " ではありません
    [single-quote] 引用符が ' になっています（" が必要です）
    [wide-sign] 全角の記号が使われています
    [odd-space] 全角などの特殊な空白が使われています
    [byte-order-mark] 先頭にBOM（バイト順マーク）があります
    [comment] コメントは書けません
    [unclosed] かっこまたは引用符が閉じられていません
    [empty] 内容がありません
    [text-after-end] JSONの終わりの後に余分な文字があります
    [control-character] 文字列の途中に改行または制御文字があります（閉じる " がない可能性があります）
    [escape] \ の後の文字が正しくありません
    [number] 数値の書き方が正しくありません
   *[other] { $text }
}
policy-invalid-json-breaks = AWSはこのポリシーをまったく受け付けません
policy-invalid-json-mend = { $line }行{ $column }文字目を直してください

policy-not-a-policy-problem = ポリシーではありません（記述: { $found }、必要なもの: { $expected }）
policy-not-a-policy-mend = ポリシーの形式に直してください（必要なもの: { $expected }）

policy-unknown-element-problem = ポリシーに "{ $found }" という要素はありません
policy-unknown-element-mend = { $meant } と書いてください
policy-unknown-element-remove = 削除してください

policy-missing-element-problem = { $element } がありません
policy-missing-element-mend = { $element } を追加してください

policy-wrong-form-problem = { $element } の値の形式が正しくありません（{ $found }）
policy-wrong-form-mend = { $element } は文字列または文字列のリストで書いてください

policy-duplicate-key-problem = "{ $key }" が2回書かれています
policy-duplicate-key-breaks = AWSがこのポリシーを拒否するか、どちらか一方だけを黙って使います
policy-duplicate-key-mend = "{ $key }" を1つにまとめ、すべての値をリストで書いてください

policy-duplicate-sid-problem = Sid "{ $sid }" が2回使われています
policy-duplicate-sid-mend = ステートメントごとに異なるSidを付けてください

policy-bad-sid-problem = Sid "{ $sid }" はIAMでは使えません
policy-bad-sid-mend = 英数字だけを使ってください

policy-bad-effect-problem = Effect の値 "{ $found }" は "Allow" でも "Deny" でもありません
policy-bad-effect-mend = "Allow" または "Deny" と書いてください

policy-wrong-version-problem = "{ $found }" というポリシーのバージョンはありません
policy-wrong-version-mend = "2012-10-17" と書いてください

policy-too-large-problem = ポリシーが{ $bytes }バイトあります（上限は{ $limit }バイト）
policy-too-large-breaks = AWSがこのポリシーの保存を拒否します
policy-too-large-mend = 空白や不要なステートメントを削除してください

policy-missing-statement-problem = コピー用ロールについて { $actions } を許可するステートメントがありません
policy-missing-action-problem = コピー用ロールのステートメントが { $action } を許可していません
policy-not-allowed-breaks = { $deed ->
    [list] バケットの内容を一覧できないため、コピーを開始できません
    [assume] コピー用ロールを引き受けられません（AccessDenied）
   *[put] すべてのコピーがAccessDeniedで拒否されます
}
policy-missing-statement-mend = マニュアルのテンプレートのとおり、{ $actions } を許可するステートメントを追加してください
policy-missing-action-mend = Action に { $action } を追加してください

policy-misspelt-action-problem = "{ $found }" というアクションはありません
policy-misspelt-action-breaks = AWSがこのポリシーを拒否し、{ $meant } も許可されません
policy-misspelt-action-mend = "{ $meant }" と書いてください

policy-wrong-principal-problem = Principal の "{ $found }" は、自社のコピー用ロールではありません: { $part ->
    [form] ロールのARNの形式ではありません
    [partition] パーティションが異なります
    [account] アカウントが提供元のものではありません
    [name] ロール名が異なります
    [subscriber] 名前の末尾のアカウントIDが自社のものではありません
    [session] ロールではなくセッションのARNです
    [wildcard] PrincipalのARNにワイルドカードは使えません
   *[other] 別の相手です
}
policy-wrong-principal-breaks = { $part ->
    [subscriber] 自社のコピー用ロールは許可されず、別の契約者のロールを許可するおそれがあります
    [session] その名前のセッションだけが許可されます
   *[other] コピー用ロールが許可されないか、S3が「Invalid principal」としてポリシーを拒否します
}
policy-wrong-principal-mend = "{ $expected }" と書いてください

policy-public-principal-problem = Principal が「すべて」になっています
policy-public-principal-breaks = 誰でも操作できます。ブロックパブリックアクセスが有効な場合、S3がこのポリシーの保存を拒否します
policy-public-principal-mend = Principal にコピー用ロールを指定するか、ステートメントを削除してください

policy-broad-principal-problem = Principal の "{ $found }" は提供元のアカウント全体です
policy-broad-principal-breaks = 提供元のアカウント内で権限を持つすべてのユーザーとロールが許可されます
policy-broad-principal-mend = コピー用ロールだけを指定してください

policy-dead-principal-problem = Principal の "{ $found }" は、削除されたユーザーまたはロールのIDです
policy-dead-principal-breaks = 誰も許可されず、S3がこのポリシーの再保存を拒否します
policy-dead-principal-mend = "{ $expected }" と書いてください。コピー用ロールのためのステートメントでない場合は、削除してください

policy-malformed-arn-problem = "{ $found }" はS3のARNではありません（バケットのARNでは、s3の後にコロンが3つ必要です）
policy-resource-breaks = リソースが無効なため、S3がこのポリシーの保存を拒否します
policy-malformed-arn-mend = "{ $meant }" と書いてください

policy-other-bucket-problem = "{ $found }" はこのバケットではありません
policy-other-bucket-mend = "{ $expected }" と書いてください

policy-wrong-resource-problem = { $action } は { $found } に対しては効果がありません
policy-wrong-resource-mend = Resource に "{ $expected }" を追加してください

policy-narrow-resource-problem = "{ $found }" はバケットの一部です
policy-narrow-resource-breaks = これに当てはまるオブジェクトだけをコピーできます
policy-narrow-resource-mend = "{ $expected }" と書くか、そのプレフィックスの下にだけコピーしてください（--dest-prefix）

policy-missing-condition-problem = { $key } の条件がありません
policy-missing-condition-breaks = コピーはできますが、自社が管理できないオブジェクトを置かれるおそれがあります
policy-missing-condition-mend = 条件 StringEquals { $key } = { $value } を追加してください

policy-wrong-condition-problem = 条件 { $operator } { $key } = { $found } がマニュアルと異なります
policy-wrong-condition-breaks = どのコピーもこの条件を満たさず、すべてAccessDeniedで拒否されます
policy-wrong-condition-mend = { $expected } と書いてください

policy-condition-never-met-problem = { $action } は条件 { $operator } { $key } = { $found } を満たすことがありません
policy-condition-never-met-mend = このアクションから条件 { $operator } { $key } を外してください

policy-condition-may-fail-problem = { $action } が条件 { $operator } { $key } = { $found } を満たすかどうかは、ここでは判断できません
policy-condition-may-fail-breaks = 満たさない環境では { $action } が拒否されます
policy-condition-may-fail-mend = flexを実行する環境が { $operator } { $key } を満たすことを確認するか、この条件を削除してください

policy-deny-wins-problem = このDenyは、コピー用ロールの { $actions } を禁止しています
policy-deny-wins-breaks = DenyはどのAllowよりも優先されるため、{ $actions } は常に拒否されます
policy-deny-wins-mend = 条件 StringNotEquals aws:PrincipalArn などで、コピー用ロールをこのDenyから除外してください（flexは変更しません）

policy-deny-may-win-problem = このDenyは、場合によってはコピー用ロールの { $actions } を禁止します: { $because }
policy-deny-may-win-breaks = DenyはどのAllowよりも優先されるため、該当する場合は { $actions } が拒否されます
policy-deny-may-win-mend = コピーがこのDenyに該当しないことを確認するか、コピー用ロールを除外してください（flexは変更しません）

policy-wrong-role-problem = "{ $found }" は、自社のコピー用ロールではありません: { $part ->
    [form] ロールのARNの形式ではありません
    [partition] パーティションが異なります
    [account] アカウントが提供元のものではありません
    [name] ロール名が異なります
    [subscriber] 名前の末尾のアカウントIDが自社のものではありません
    [session] ロールではなくセッションのARNです
   *[other] 別のロールです
}
policy-wrong-role-mend = "{ $expected }" と書いてください

policy-broad-role-problem = "{ $found }" には、コピー用ロール以外のロールも含まれます
policy-broad-role-breaks = このユーザーまたはロールは、他のロールも引き受けられます
policy-broad-role-mend = "{ $expected }" と書いてください
