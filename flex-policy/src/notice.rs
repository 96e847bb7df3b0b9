use crate::Scene;

/// The language of the notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoticeLanguage {
    /// 日本語
    Japanese,
    /// English
    English,
}

/// The notice to the vendor that the manual asks for before the bucket policy can be made (step 1-2): a subject line, an
/// empty line and the body, ready to paste into a mail. Names of persons are left as blanks to fill in; without a period
/// so is the period.
pub fn vendor_notice(scene: &Scene, period: Option<&str>, language: NoticeLanguage) -> String {
    let template = match language {
        NoticeLanguage::Japanese => JAPANESE,
        NoticeLanguage::English => ENGLISH,
    };
    let blank = match language {
        NoticeLanguage::Japanese => "（ご契約の対象期間をご記入ください。例：2021年5月～2022年4月）",
        NoticeLanguage::English => "(please fill in the period of your contract, for example 2021-05 to 2022-04)",
    };
    template
        .replace("{account}", scene.account().as_str())
        .replace("{bucket}", scene.bucket().as_str())
        .replace("{arn}", &scene.bucket().arn())
        .replace("{region}", scene.region())
        .replace("{role}", &scene.role().to_string())
        // Last: it is the only value that somebody writes freely.
        .replace("{period}", period.map(str::trim).filter(|period| !period.is_empty()).unwrap_or(blank))
}

const JAPANESE: &str = "\
件名：FLEX Historicalサービス ご利用環境のご連絡（AWSアカウント {account}）

株式会社JPX総研
FLEX Historicalサービス ご担当者様

いつもお世話になっております。
（会社名・部署名）の（氏名）です。

FLEX Historicalサービスのデータを弊社のAmazon S3バケットへコピーするため、
コピー先の情報を下記のとおりご連絡いたします。

　　AWSアカウントID　　：{account}
　　S3バケット名　　　　：{bucket}
　　S3バケットのARN　　 ：{arn}
　　リージョン　　　　　：{region}
　　対象期間　　　　　　：{period}

つきましては、お手数をおかけいたしますが、次の2点をお願い申し上げます。

　　1. 上記のAWSアカウントおよびS3バケットのご登録
　　2. コピー用IAMロールの作成
　　　 {role}

バケットポリシーは、上記ロールの作成後でなければ設定できません。
作成が完了しましたら、ご一報いただけますと幸いです。

何卒よろしくお願い申し上げます。

（会社名・部署名）
（氏名）
（電話番号・メールアドレス）
";

const ENGLISH: &str = "\
Subject: FLEX Historical service: our AWS account and bucket ({account})

To the FLEX Historical service desk, JPX Market Innovation & Research, Inc.

We are going to copy the data of the FLEX Historical service into our own
Amazon S3 bucket. The destination is as follows:

    AWS account id:  {account}
    S3 bucket name:  {bucket}
    S3 bucket ARN:   {arn}
    Region:          {region}
    Period:          {period}

Please
    1. register this AWS account and this bucket, and
    2. create the IAM role for copying:
       {role}

We can set our bucket policy only when that role exists. Please let us know
as soon as it has been created.

Kind regards,
(company, department)
(name)
(telephone, mail address)
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccountId, BucketName};

    #[test]
    fn both_languages_say_what_the_vendor_needs() {
        let account: AccountId = "012345678901".parse().expect("an account");
        let bucket: BucketName = "my-flex-data".parse().expect("a name");
        let scene = Scene::new(account, bucket);
        for language in [NoticeLanguage::Japanese, NoticeLanguage::English] {
            let text = vendor_notice(&scene, Some("2021-05 / {bucket}"), language);
            for part in [
                "012345678901",
                "my-flex-data",
                "arn:aws:s3:::my-flex-data",
                "ap-northeast-1",
                "2021-05 / {bucket}",
                "arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_012345678901",
            ] {
                assert!(text.contains(part), "{part} in {text}");
            }
            let lines: Vec<&str> = text.lines().collect();
            assert!(lines[0].contains("012345678901") && lines[1].is_empty(), "the subject, then an empty line");
            let without = vendor_notice(&scene, Some(" "), language);
            assert!(!without.contains('{'), "{without}");
            assert!(without.contains("2022"), "a blank with an example: {without}");
        }
    }
}
