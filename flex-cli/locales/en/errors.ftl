### What to do about an error: the lines that follow "to mend:".

to-mend = to mend:

## The manual's steps

step-notice = the vendor grants one account, one bucket name and the dates of your contract (the manual's step 1-2): compare them
step-policy = repeat the manual's step 1-3: `flex policy bucket` prints the bucket policy
step-assume-role = repeat the manual's step 1-4: `flex policy assume-role` prints the policy for your IAM user
step-user = repeat the manual's step 1-4: give flex your IAM user's access key, by `aws configure` and --profile NAME or by exporting it
wait-for-role = or wait for the vendor to create the role, about 5 business days after your notice (step 1-2)
ask-doctor = `flex doctor` looks at every step and says which one it is

## Credentials

unset-role-keys = unset AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN: flex carries out the manual's step 1-5 (assume the role) by itself, with your own identity
sign-in-again = if you sign in with SSO, do it again: aws sso login --profile NAME
wrong-account = leave out --account (FLEX_ACCOUNT, account in flex.toml), or use the identity of that account with --profile
name-account = or name your account: --account ID
set-clock = set this machine's clock, best by NTP
sts-region = an administrator of your account activates STS for that region: IAM console, Account settings, Security Token Service
sts-other = run the same command again; if it stays so, ask AWS support and give them the request id
profile-known = name a profile of theirs: they hold { $profiles }
profile-none = they hold no profile: `aws configure --profile NAME` makes one
own-profile = that profile is for other programs. Give flex your IAM user's own profile with --profile NAME, in the credential_process line too: flex creds process --profile NAME
process-json = `flex creds process` prints the credentials as JSON
exec-or-process = leave out --json; `flex creds process` prints the credentials as JSON
other-shell = name another shell with --shell, or run the program with `flex creds exec -- COMMAND`
command-not-found = look at its spelling and at PATH; what only a shell understands needs one: flex creds exec -- sh -c 'COMMAND'
command-not-executable = make it executable, or name the program that runs it: flex creds exec -- sh FILE
flex-by-path = start flex by its full path

## Network

network-s3 = the S3 endpoint is { $endpoint }: look at the network, at HTTPS_PROXY, NO_PROXY and AWS_CA_BUNDLE, and at --endpoint-url
network-sts = look at the network, at HTTPS_PROXY, NO_PROXY and AWS_CA_BUNDLE, and at --sts-endpoint-url
run-again = then run the same command again: what was done is kept
run-again-log = run the same command again: what was done is kept. If it stays so, -vv --log-file FILE writes down what the service answers
plain-http = give a URL that begins with https://, or, where you trust the network in between, --allow-http (FLEX_ALLOW_HTTP=1)
narrow-less = select less at once, or leave out --narrow-role
profile-endpoint = give the AWS profile, or the environment, an endpoint_url of scheme and host alone, such as https://s3.example.com; keys belong into aws_access_key_id and aws_secret_access_key
unset-or-fill = unset it, or give it a URL
ca-bundle = give AWS_CA_BUNDLE a file of certificates in PEM form, or unset it

## Buckets

look-at-source = look at --source-bucket and --source-account, if you set them
look-at-bucket = look at --bucket, and that it belongs to your account (--no-expected-owner leaves that unchecked)
kms-or-aes256 = if the bucket encrypts with KMS, the role needs the key; --sse AES256 does without it
look-at-name = look at the name: --bucket is your own (the manual's step 1-1 creates it, in ap-northeast-1), --source-bucket the vendor's
one-region = both buckets must be in one region: repeat the manual's step 1-1 in ap-northeast-1 (--region is for other services)
listing-of-s3 = what answers does not list as S3 does: look at --endpoint-url
name-bucket = name your bucket: --bucket NAME, FLEX_BUCKET, or bucket = "NAME" in flex.toml
bucket-name = write the bucket's name alone: 3 to 63 of a-z, 0-9, - and ., as the console shows it
name-destination = name the destination with --bucket NAME
name-destination-or-pair = name the destination with --bucket NAME, or with a second URL that ends in the same path
list-own-bucket = your own bucket is listed with --dest --bucket NAME
one-destination = name the destination once: by the URL or by --bucket and --dest-prefix
pair-of-urls = write the pair as the manual does: s3://dataservice-flex-bucket/2021/05 s3://my-bucket/2021/05

## Selections

selection-forms = `flex copy --help` shows every form of a selection
selection-dates = data begin in 2010 and end today: `flex ls` shows the years that there are
quote-selection = put it in quotes: 'ConnectionSpec/Standard/version 17.4/Japanese', or write spec:standard/17.4/ja
list-specifications = `flex ls -r ConnectionSpec` shows what there is

## Configuration

did-you-mean = did you mean { $name }?
settings-known = `flex init FILE` writes a file with every setting there is
setting-example = write it like this: { $example }
setting-not-text = give it a value in UTF-8, or unset it
settings-origin = `flex config show` says what is set, and where
config-unreadable = look at the path and at its permissions; `flex init FILE` writes a new file
config-not-text = save it as UTF-8; `flex init FILE` writes a new file
config-syntax = mend that line (texts stand in quotes, lists in brackets); `flex init FILE` writes a file to compare with
init-exists = look at it with `flex config show`, or name another file: flex init OTHER.toml
init-folder = name a file in a folder that exists and that you may write to: flex init FILE
log-file = name a file in a folder that exists and that you may write to: --log-file FILE
man-folder = name a folder that you may write to: flex man --dir DIR

## Commands

clean-needs-owner = clean runs as your own identity, which needs s3:ListBucketMultipartUploads and s3:AbortMultipartUpload on the bucket: name its profile with --owner-profile
deep-needs-owner = verify --deep reads as your own identity, which needs s3:GetObject on the bucket's objects (`flex setup --print-permissions` lists it), and kms:Decrypt on the key where the bucket encrypts with KMS: name its profile with --owner-profile
deep-what = name what to read, e.g. `flex verify --deep 2021/05`
deep-no-manifest = leave out one of the two: `flex verify --manifest FILE` proves from the record, and reads nothing
deep-record-in-use = wait until it ends, or name another file with --deep-record
deep-record-file = name a file with --deep-record that you may read and write, in a folder that you may write to
deep-record-other = name another file with --deep-record; one that is not there yet is made, and everything is then read
clean-ends-uploads = `flex clean` with your own identity ends unfinished uploads, whose parts are billed
demo-without-json = leave out --json; `flex copy --json` and `flex verify --json` are for programs
demo-build = build one that has it, in the source tree: cargo run --release -p flex-cli --features demo -- demo
demo-again = run it again: it needs a folder for temporary files and a free port of this machine, and no network
report-fault = this is a fault of flex itself: run the same command again, and report it with the log that -vv --log-file FILE writes
see-help = add --help to the command: it shows what can be given, and how
few-resources = free memory or processes of this machine (ulimit -u), and run it again

## Notes

warning-copy-role = warning: the credentials in use are already those of { $role } and cannot be renewed when they expire: unset AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, so that the role is assumed with your own identity
init-endpoint = an endpoint that is not on this machine is taken from this file only where it is named: --config { $file }, or FLEX_CONFIG
short-token = the variables last { $minutes } minutes, and the command cannot renew them; a profile with `credential_process = flex creds process` does
unknown-token = how long the variables last is not known, and the command cannot renew them

manifest-exists = give a name that is not taken, or a folder (a path that ends in /): each run then writes a file of its own there
manifest-unfinished = another flex may be writing it now. If none is, it is what a killed run left: `flex verify --manifest { $path }` reads it; move it away, then run again
manifest-unwritable = give a file in a folder that you may write to, or run without --manifest
manifest-one = copy writes one manifest: give --manifest once
manifest-none = give the folder that `flex copy --manifest` wrote to, or a file; in a folder, those whose names end in { $suffix } are read
manifest-other = give a manifest of this destination, or the --source-bucket, --bucket and --dest-prefix that the manifest is of
manifest-unreadable = look at the path and at who may read it
manifest-not-one = give a file that `flex copy --manifest` wrote
manifest-newer = read it with the version of flex that wrote it, or a newer one
manifest-untrusted = take the file from where it was written, or verify without it: the listings alone then prove what they can
verify-what = name what to verify, e.g. `flex verify 2021/05`, or a manifest, `flex verify --manifest FILE`: then all that is on record is verified
against-needs-manifest = give both: `flex verify --manifest A --against B`
against-plain-selection = select by dates or by prefix:KEY, or compare all of both manifests

journal-in-use = wait until the other flex ends, or give this run a journal of its own: --journal PATH
journal-file = give a file that you may read and write, in a folder that you may write to; --journal none goes without
journal-other = give a file that is not there yet, or one that flex wrote as a journal; --journal none goes without
