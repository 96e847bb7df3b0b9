### setup

## The steps, and what came of them: "1-1 bucket: already right: my-bucket in ap-northeast-1"

setup-step-bucket = bucket
setup-step-public-access = Block Public Access
setup-step-acls = ACLs
setup-step-encryption = default encryption
setup-step-lifecycle = unfinished uploads
setup-step-notice = notice to the vendor
setup-step-bucket-policy = bucket policy
setup-step-identity = identity
setup-step-instance-profile = instance profile
setup-step-assume-role-policy = AssumeRole policy
setup-step-access-key = access key

setup-right = already right
setup-done = done
setup-would-do = would be done
setup-not-done = not done
setup-waiting = waiting for the vendor
setup-left = left as it is
setup-skipped = skipped
setup-refused = refused
setup-failed = failed

setup-because = because { $cause }
setup-not-read = what is there cannot be read, so nothing is changed
setup-needs-bucket = the bucket is not there
setup-needs-identity = the identity is not there

## Bucket

setup-bucket-there = { $bucket } in { $region }
setup-bucket-create = { $bucket } in { $region }
setup-bucket-taken = { $bucket } belongs to another account
setup-bucket-elsewhere = { $bucket } is in { $found }, but the copies need a bucket in { $region }
setup-bucket-unclear = { $bucket } exists, but this identity may not look at it: it belongs to another account, or the identity has no right to it
setup-bucket-not-read = whether { $bucket } is there cannot be learnt
setup-public-access-blocked = all four switches are on
setup-public-access-block = all four switches on
setup-acls-disabled = disabled, your account owns all objects
setup-acls-disable = disabled, so that your account owns all objects
setup-encryption-is-s3 = SSE-S3
setup-encryption-s3 = SSE-S3
setup-encryption-kept = { $key }, as asked
setup-encryption-left = the bucket encrypts with { $key }, which the copy role must be allowed to use
setup-lifecycle-there = ended after { $days } days
setup-lifecycle-add = a rule that ends them after { $days } days, beside the rules that are there

## Notice and bucket policy

setup-notice-role-exists = the vendor has created the copy role
setup-notice-send = the vendor has not created the copy role yet; send the notice below, if you have not
setup-notice-unknown = whether the vendor has created the copy role shows when the policy is put; --print-notice prints the notice
setup-notice-begins = ----- notice to the vendor
setup-notice-ends = -----
setup-notice-written = the notice is written to { $path }
setup-policy-right = it lets { $role } list the bucket and put objects
setup-policy-put = the statements that let { $role } list the bucket and put objects
setup-policy-waiting = S3 refuses it as long as { $role } does not exist
setup-policy-unreadable = the policy that is there cannot be read, so nothing is added to it
setup-policy-changed = the policy was changed by somebody else since it was shown
setup-policy-dead-principal = a statement of somebody else's names a user or role that was deleted
setup-policy-public = with the statements that are there already, the bucket would be public, which Block Public Access prevents
setup-wait-next = next try in { $pause }; Ctrl-C stops, and the same command goes on later
setup-wait-not-yet = try { $number } at { $time } (Tokyo): the vendor has not created the copy role yet; next try in { $pause }
setup-wait-no-answer = try { $number } at { $time } (Tokyo): { $why }; next try in { $pause }

## Identity

setup-identity-none = --identity none
setup-identity-not-read = { $name } cannot be looked up
setup-user = { $arn }
setup-user-new = the user { $name }
setup-role = { $arn }
setup-role-new = the role { $name } for { $service }
setup-role-absent = there is no role { $name }
setup-role-not-trusting = { $arn } is not for { $service }: its trust policy does not name that service
setup-assume-right = { $policy } allows to assume the copy role
setup-assume-put = { $policy }, which allows to assume { $role }
setup-profile-right = { $name }
setup-profile-new = { $name }, with the role
setup-profile-other = { $name } holds the role { $other }
setup-without-iam = this build of flex does not speak to IAM; the commands below do the same

## Access key

setup-key-not-read = the keys that the user has cannot be read, so none is made
setup-key-there = { $place } holds { $id }, an active key of { $user }
setup-key-new = a key of { $user }, written to { $place }
setup-key-print = a key of { $user }
setup-key-place-taken = { $place } exists in { $file } and is not overwritten
setup-key-place-unusable = { $place } cannot be used
setup-key-two = { $user } has two keys already, which is AWS's limit: { $ids }
setup-key-use = flex uses it with --profile { $profile }; a new key works after a few seconds
setup-key-deleted = the key { $id } was deleted again; run the command again when the cause is mended

## What to do

setup-mend-other-name = choose another name with --bucket, and tell the vendor that name
setup-mend-other-region = use a bucket in the vendor's region with --bucket (a bucket cannot be moved; --region is for other services than the real one)
setup-missing-action = grant this identity { $action } (`flex setup --print-permissions` lists all that it needs), or name another with --owner-profile
setup-mend-explicit-deny = a policy denies { $action } to this identity; granting it does not help: ask whoever keeps that policy (one that asks for MFA wants a session made with MFA), or name another identity with --owner-profile
setup-mend-credentials = give flex an identity of your own account with --owner-profile NAME
setup-mend-session = IAM takes a session of GetSessionToken only when it was made with MFA, and one of GetFederationToken never: name a profile with keys of its own or a role with --owner-profile (aws-vault: --no-session)
setup-mend-owner = set-up runs as an identity with rights in your own account: name its profile with --owner-profile
setup-mend-expired = renew this identity's session, and run the same command again
setup-mend-network = look at the network, at HTTPS_PROXY, NO_PROXY and AWS_CA_BUNDLE, and at AWS_ENDPOINT_URL
setup-mend-again = run the same command again
setup-mend-resume = run the same command again: it goes on where it stopped
setup-mend-acls = remove the grants to others from the bucket's ACL first: S3 does not disable ACLs that are in use
setup-mend-encryption = --encryption s3 goes over to SSE-S3; or give the copy role kms:GenerateDataKey and kms:Decrypt in the key's policy and run with --encryption keep; or copy with --sse AES256
setup-mend-encryption-aws-key = --encryption s3 goes over to SSE-S3; or copy with --sse AES256 and run with --encryption keep (no other account can be given a right to AWS's own key aws/s3)
setup-mend-policy = `flex policy check` names the place; mend it, and run the same command again
setup-mend-waiting = wait until the vendor has created the role, about 5 business days after the notice (step 1-2), and run the same command again; --wait tries again by itself
setup-mend-dead-principal = `flex policy check` names the statement; remove it, and run the same command again
setup-mend-public = `flex policy check` names the public statement; remove it or restrict its principal
setup-mend-trust = name another role, or add the service to its trust policy yourself: aws iam update-assume-role-policy
setup-mend-role-kind = --identity ec2:NAME, ecs:NAME or batch:NAME makes a role for that service
setup-mend-profile = name another role, or remove that one from the profile: aws iam remove-role-from-instance-profile
setup-mend-key-user = leave the key out: programs on AWS take the role by themselves
setup-mend-key-profile = name another profile with --key-profile
setup-mend-key-csv = name another file
setup-mend-key-two = delete one that nothing uses: aws iam delete-access-key --user-name { $user } --access-key-id { $id }
setup-mend-key-delete = the key { $id } exists and its secret is lost. Delete it: aws iam delete-access-key --user-name { $user } --access-key-id { $id }
setup-mend-key-lost = a key may have been made all the same: aws iam list-access-keys --user-name { $user }
setup-mend-notice-file = name a file that does not exist yet, in a folder where you may write: --print-notice FILE
setup-mend-print-role = print the policy for it: `flex policy assume-role`

## The end

setup-question = Make the changes above ({ $number })?
setup-result-done = set up
setup-result-right = set up: nothing was changed, all was right already
setup-result-would = nothing was changed: --dry-run
setup-result-incomplete = not complete yet
setup-result-failed = not set up
setup-without-yes = nothing is changed without --yes
setup-print-permissions = `flex setup --print-permissions` lists the rights that this identity needs
