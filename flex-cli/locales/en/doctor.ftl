### What `flex doctor` tells.

## Words

doctor-state-ok = ok
doctor-state-warning = warning
doctor-state-broken = broken
doctor-state-not-checked = not checked
doctor-step = (the manual's step { $step })
doctor-because = because
doctor-or = or:
doctor-needs = needs: { $links }
doctor-no-time = not reached: the checks before it took too long
doctor-no-right = the owner identity may not look: it lacks { $action }
doctor-not-read = could not be read
doctor-counts = ({ $ok } ok, { $warnings } warnings, { $broken } broken, { $unchecked } not checked)
doctor-result-ok = nothing is broken
doctor-result-warnings = nothing is broken, but look at the warnings
doctor-result-broken = something is broken

doctor-title-version = version
doctor-title-configuration = configuration
doctor-title-sts-endpoint = STS endpoint
doctor-title-s3-endpoint = S3 endpoint
doctor-title-clock = clock
doctor-title-identity = own identity
doctor-title-account = account
doctor-title-role = copy role
doctor-title-token = the role's token
doctor-title-owner = owner identity
doctor-title-bucket = your bucket
doctor-title-public-access = Block Public Access
doctor-title-ownership = object ownership
doctor-title-encryption = encryption
doctor-title-lifecycle = lifecycle
doctor-title-policy = bucket policy
doctor-title-source = the vendor's bucket
doctor-title-licence = licensed objects
doctor-title-destination = list your bucket
doctor-title-write-probe = write probe
doctor-title-uploads = unfinished uploads

doctor-label-account = account
doctor-label-action = action
doctor-label-address = address
doctor-label-bucket = bucket
doctor-label-caller = caller
doctor-label-endpoint = endpoint
doctor-label-expires = expires
doctor-label-file = file
doctor-label-finding = finding
doctor-label-found = found
doctor-label-from = from
doctor-label-given = given
doctor-label-example = for example
doctor-label-key = key
doctor-label-key-id = access key id
doctor-label-kms-key = KMS key
doctor-label-latest = latest day
doctor-label-lifetime = why so long
doctor-label-not-licensed = refused
doctor-label-note = note
doctor-label-policies = policies
doctor-label-proxy = proxy
doctor-label-region = region
doctor-label-role = role
doctor-label-sample = looked at
doctor-label-skew = difference

## This machine

doctor-version = flex { $version }
doctor-configuration-none = no configuration file; flags and environment alone
doctor-configuration-file = { $file } is in use
doctor-configuration-empty = { $name } is set but empty
doctor-configuration-ca = the CA bundle of AWS_CA_BUNDLE cannot be used
doctor-configuration-unusable = the settings cannot be used
doctor-mend-unset = unset { $name }
doctor-mend-without-flag = leave out --{ $name }, in your other commands too
doctor-mend-file-line = take { $name } out of { $file }, line { $line }
doctor-mend-ca-bundle = if a proxy opens TLS here, name its certificate, as PEM, with AWS_CA_BUNDLE

## Endpoints

doctor-endpoint-ok = { $endpoint } answers
doctor-endpoint-plain-http = { $endpoint } answers, but by plain HTTP: anybody on the way can read and change what is sent
doctor-endpoint-proxy = { $endpoint } cannot be reached through the proxy { $proxy }, which { $variable } names
doctor-endpoint-proxy-auth = the proxy before { $endpoint } asks for a name and a password
doctor-endpoint-gateway = a gateway before { $endpoint } answers { $status } in its place
doctor-endpoint-timeout = { $endpoint } does not answer
doctor-endpoint-dns = { $endpoint } has no address: its name is not found
doctor-endpoint-tls = { $endpoint } has no certificate that this machine trusts
doctor-endpoint-unreachable = { $endpoint } cannot be reached
doctor-endpoint-region = the vendor's bucket is in { $found }, but requests are signed for { $asked }
doctor-endpoint-not-sts = { $endpoint } answers, but it is not STS: an S3 endpoint, of a VPC too, does not serve STS
doctor-endpoint-disabled = STS is switched off in { $region } for your account
doctor-value-private = { $address }, of a private network: an interface endpoint of a VPC, whose policy must admit both buckets
doctor-mend-network = look at the network, the firewall and the routes of the VPC: flex needs HTTPS to STS and S3 in ap-northeast-1
doctor-mend-https = use an endpoint with https
doctor-mend-proxy = look at { $variable }: neither the proxy nor, without it, the endpoint can be reached
doctor-mend-no-proxy = the endpoint can be reached without the proxy of { $variable }: leave it out
doctor-mend-proxy-auth = write both into the proxy's URL: http://NAME:PASSWORD@HOST:PORT
doctor-mend-region = sign for { $region }
doctor-mend-split-endpoint = keep the endpoint for S3 alone
doctor-mend-sts-endpoint-file = take the endpoint of STS out of the AWS profile
doctor-mend-region-sts = an administrator of the account activates { $region } in IAM's console, Account settings, Security Token Service

## The clock

doctor-clock-ok = agrees with AWS's
doctor-clock-drift = begins to differ from AWS's
doctor-clock-broken = differs from AWS's by more than the { $minutes } minutes that it tolerates: every signed request is refused
doctor-clock-unknown = no answer told the time
doctor-value-ahead-seconds = { $number } s ahead of AWS's
doctor-value-behind-seconds = { $number } s behind AWS's
doctor-value-ahead-minutes = { $number } min ahead of AWS's
doctor-value-behind-minutes = { $number } min behind AWS's
doctor-mend-clock = set this machine's clock, best by NTP (in a container: the host's)

## Identities

doctor-identity-ok = { $caller }
doctor-identity-stray = an identity was found, but not the one that is half exported: { $names } alone says nothing and is ignored
doctor-identity-half = { $names } is exported without its other half, and no other identity was found
doctor-identity-none = no AWS identity was found: none exported, no profile, no role of a container or an instance
doctor-identity-timeout = the source of the AWS identity does not answer
doctor-identity-no-profile = there is no profile { $name }
doctor-identity-own-profile = the profile { $name } has flex itself as its credential_process
doctor-identity-sso = the sign-in of the profile { $name } has ended
doctor-identity-process = the credential_process of the profile { $name } gave no credentials
doctor-identity-profile = the profile { $name } gave no credentials
doctor-identity-expired = the session of the identity has expired
doctor-identity-expired-exported = the exported session has expired
doctor-identity-stale-token = AWS_SESSION_TOKEN is left over: the exported access key is a long-term one, which has no token
doctor-identity-no-token = the exported access key is a temporary one, but AWS_SESSION_TOKEN is missing
doctor-identity-wrong-secret = the secret access key does not belong to the access key id
doctor-identity-region = requests to STS are signed for a region that is not its own
doctor-identity-unknown-key = AWS does not know the access key: it is deactivated or deleted
doctor-identity-clock = AWS refuses the time of the signature
doctor-identity-no-answer = STS did not answer
doctor-identity-refused = STS refused to say who calls
doctor-value-environment = the environment
doctor-value-profile = the profile { $name }
doctor-value-profile-process = the profile { $name }, by its credential_process
doctor-value-profile-sso = the profile { $name }, by SSO
doctor-value-profile-role = the profile { $name }, by a role
doctor-value-web-identity = a web identity token
doctor-value-container = the container's role
doctor-value-instance = the instance's role
doctor-mend-use-profile = use the profile { $name }
doctor-mend-pick-profile = use one of the profiles: { $names }
doctor-mend-make-profile = make a profile with your IAM user's access key: aws configure --profile flex-copy
doctor-mend-stray = take back what is exported
doctor-mend-sso = sign in again
doctor-mend-sign-in = get new credentials from where these came
doctor-mend-process = run the command of the profile { $name } by hand and look at what it says
doctor-mend-profile = look at the profile { $name } in the AWS configuration files
doctor-mend-new-key = make a new access key for the manual's user, and use it
doctor-mend-unset-keys = take back the exported keys, so that flex uses your own identity and assumes the role by itself
doctor-mend-unset-token = take back the token
doctor-mend-export-token = export AWS_SESSION_TOKEN, too, from where the other two came
doctor-mend-secret = copy the secret access key once more, whole: it is 40 characters long and may hold / and +
doctor-mend-activate-key = activate { $key } again: IAM's console, the user, Security credentials
doctor-mend-support = ask AWS's support, with the request id
doctor-account-ok = { $account }
doctor-account-other = account { $given } is set, but the identity stands for { $found }
doctor-account-role = the role that is set is for account { $found }, and the identity's account is { $own }
doctor-account-unknown = the account of the identity is not known
doctor-value-is-role = the exported credentials are a copy role's already
doctor-mend-other-identity = use an identity of the account that is set
doctor-mend-name-account = name your account: --account ID

## The copy role

doctor-role-ok = { $role } was assumed
doctor-role-root = the account's root user can assume no role
doctor-role-own-policy = { $caller } has no policy that lets it assume the copy role
doctor-role-denies = a policy forbids { $caller } to assume the copy role
doctor-role-trust = { $role } exists and your identity may assume it, but it does not trust your account
doctor-role-deleted = { $role } was deleted: the bucket policy still names the one that was
doctor-role-not-created = your identity may assume { $role }, but the vendor has not created it yet, or it does not trust your account
doctor-role-other = { $role } is set, and refused: the copy role of your account is { $own }
doctor-role-refused = { $caller } may not assume the copy role, and AWS does not say why
doctor-role-failed = STS did not give the role
doctor-value-role-exists = the role exists: the bucket policy names it
doctor-mend-not-root = make the manual's IAM user, and use its access key
doctor-mend-own-policy = give it the manual's policy
doctor-mend-own-policy-by-hand = `flex policy assume-role` prints the policy that it needs
doctor-mend-deny = ask who manages your account: a Deny, a permissions boundary or a policy of the organization wins over the manual's policy
doctor-mend-trust = tell the vendor: the role must trust your account
doctor-mend-vendor-role = ask the vendor to create the role again, then repeat the manual's step 1-3
doctor-mend-wait-for-role = wait for the vendor, about 5 business days after your notice, or give the notice
doctor-mend-notice = print the notice to the vendor
doctor-mend-setup-wait = then finish the set-up, which waits for the role: while it does not exist, AWS refuses the bucket policy that names it
doctor-mend-role-causes = one of three: your identity lacks the manual's policy (step 1-4), the vendor has not created the role yet (step 1-2), or it trusts another account
doctor-mend-owner-tells = an identity with rights in your account can tell which: run flex doctor with --owner-profile NAME
doctor-token-long = lasts 12 hours, and is renewed by itself
doctor-token-short = lasts 1 hour, and is renewed by itself
doctor-token-exported = the credentials are already the copy role's, and cannot be renewed when they end
doctor-value-long-term-keys = the identity has long-term keys
doctor-value-temporary = the identity is itself a temporary one
doctor-value-chained = the identity is itself an assumed role, and AWS allows no more
doctor-value-role-maximum = the role's maximum session duration is below 12 hours
doctor-value-twelve-refused = STS refused 12 hours
doctor-mend-own-identity = use your own identity: flex assumes the role by itself

## The owner identity and your bucket

doctor-owner-ok = { $caller }
doctor-owner-none = the identity in use may not look at the bucket's settings, as is right for the manual's user
doctor-owner-no-rights = { $caller } may not look at the bucket's settings
doctor-owner-other = the owner identity belongs to account { $found }, and not to { $given }
doctor-mend-owner-profile = name an identity with rights in your account: --owner-profile NAME
doctor-mend-permissions = print the rights that it needs, for an administrator
doctor-bucket-ok = { $bucket } exists and is yours
doctor-bucket-not-named = no destination bucket is given
doctor-bucket-is-source = { $bucket } is the vendor's bucket itself
doctor-bucket-missing = { $bucket } does not exist
doctor-bucket-region = { $bucket } is in { $found }, not in { $want }
doctor-bucket-elsewhere = { $bucket } is not in { $want }
doctor-bucket-other = { $bucket } belongs to another account
doctor-bucket-unknown = whose { $bucket } is cannot be told: nobody may ask
doctor-mend-setup-bucket = make it, with all its settings
doctor-mend-bucket-name = look at the name: --bucket, FLEX_BUCKET, or bucket in flex.toml
doctor-mend-new-bucket = make a bucket of your own in Tokyo
doctor-mend-use-bucket = use it
doctor-mend-tell-vendor = the vendor grants one bucket by its name: compare it with your notice (step 1-2), or give a new one
doctor-mend-setup = set it as the manual has it; nothing else is touched
doctor-public-ok = on, all four
doctor-public-open = not wholly on: a mistake in the bucket's policy could open it to everybody
doctor-ownership-ok = your account owns every object
doctor-ownership-preferred = your account owns what flex copies
doctor-ownership-writer = the vendor's role would own the copies
doctor-ownership-unknown = { $mode }, which flex does not know
doctor-encryption-ok = by S3's own keys
doctor-encryption-chosen = by S3's own keys, as --sse asks
doctor-encryption-aws-key = by KMS with AWS's own key aws/s3, which the copy role of another account can never use: every copy will be refused
doctor-encryption-kms = by KMS: copies are refused unless the key admits the copy role, and their ETags prove nothing
doctor-encryption-unknown = { $kind }, which flex does not know
doctor-mend-encryption = go over to S3's own keys
doctor-mend-sse = leave the bucket, and copy with --sse AES256 (or sse = "AES256" in flex.toml)
doctor-mend-kms-grant = let the copy role use the key: kms:GenerateDataKey and kms:Decrypt in the key's policy, and the vendor must grant the same to the role
doctor-lifecycle-ok = ends unfinished uploads after { $days } days
doctor-lifecycle-absent = no rule ends unfinished uploads, whose parts are billed
doctor-value-rules = these rules delete or move objects: { $rules }
doctor-policy-ok = lets the copy role list the bucket and put objects, as the manual has it
doctor-policy-absent = the bucket has no policy: the copy role may not write
doctor-mend-policy = put the manual's statements; others stay as they are
doctor-mend-print-policy = print the policy, for an administrator
doctor-mend-policy-deny = a Deny at { $path } is somebody's intention: ask them, and take it away or make it spare the copy role

## Both buckets, as the copy role

doctor-source-ok = { $bucket } can be listed
doctor-source-empty = { $bucket } is empty
doctor-source-denied = the copy role may not list { $bucket }
doctor-source-other = { $bucket } does not belong to account { $account }
doctor-source-missing = there is no bucket { $bucket }
doctor-source-region = { $bucket } is not in { $region }
doctor-source-no-answer = S3 did not answer for { $bucket }
doctor-source-failed = S3 could not list { $bucket }
doctor-vpc-endpoint = the policy of the VPC endpoint, through which S3 is reached, does not admit { $bucket }
doctor-mend-vpc-endpoint = allow s3:ListBucket and s3:GetObject on { $bucket } in the endpoint's policy, and s3:ListBucket, s3:PutObject and s3:PutObjectAcl on your own bucket
doctor-mend-vpc-endpoint-own = allow s3:ListBucket, s3:PutObject and s3:PutObjectAcl on { $bucket } in the endpoint's policy, and s3:ListBucket and s3:GetObject on the vendor's bucket
doctor-mend-source-denied = the vendor grants the period of your contract (step 1-2): ask whether it has begun and not ended
doctor-licence-ok = { $readable } of { $all } objects looked at can be read; the rest is not in your contract
doctor-licence-all = all { $all } objects looked at can be read
doctor-licence-none = none of { $all } objects looked at can be read: they are listed, but not in your contract
doctor-licence-nothing = the listing shows no object to look at
doctor-licence-unknown = S3 did not say what can be read
doctor-mend-licence = compare the period and the products of your contract with the vendor (step 1-2)
doctor-destination-ok = the copy role can list { $bucket }
doctor-destination-denied = the copy role may not list { $bucket }: its policy does not let it, or the vendor has registered another bucket
doctor-mend-look-at-policy = the warning about the bucket policy, above, may be the reason: mend that first
doctor-destination-not-registered = the bucket's policy lets the copy role in, but the role itself may not: the vendor has registered another bucket than { $bucket }

## Writing

doctor-probe-not-asked = only with --write-probe, which copies one object
doctor-probe-copied = { $key } was copied, proven by { $proof }
doctor-probe-identical = { $key } is there already, with an equal ETag
doctor-probe-kept = { $key } is there already, with an equal size
doctor-probe-refused = your bucket refused { $key }, although the source can be read
doctor-probe-failed = { $key } could not be copied
doctor-mend-probe-setup = look through the bucket's settings and mend them
doctor-uploads-none = none
doctor-uploads-young = { $number } begun within the hour, which a running flex may need
doctor-uploads-unfinished = { $number } of ours were never finished: their parts are billed
doctor-uploads-unknown = could not be listed
doctor-value-other-uploads = { $number } more, begun by others
doctor-mend-clean = end them
