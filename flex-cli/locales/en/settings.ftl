### The file that `flex init` writes, and what each setting is for. Lines here are lines there.

settings-head =
    Settings of flex. Looked for as --config FILE, $FLEX_CONFIG, ./flex.toml, then in the platform's
    configuration folder; the first one found is read. Flags win over environment variables, which win
    over this file. Take the # away from a line to set it. `flex config show` says what holds and why.
    Keys and passwords do not belong here: name an AWS profile that has them.
settings-variables = Environment: { $names }
settings-default = Default: { $value }

settings-who = Identity
settings-where = Buckets and services
settings-how = Copying
settings-output = Output

setting-account =
    Your AWS account id, 12 digits, as the vendor knows it (the manual's step 1-2).
    When not set, it is the account of the identity in use.
setting-profile =
    The AWS profile of the IAM user that may assume the copy role (the manual's step 1-4).
    Exported keys win over it; with the flag --profile they are ignored.
setting-owner-profile = The AWS profile with rights in your own account, for what the copy role may not do: clean, verify --deep, setup, doctor, policy.
setting-role-arn = The copy role, when it is not the manual's.
setting-narrow-role = Narrow the copy role's session to what copy, plan or verify needs: the selection's folders in the two buckets.
setting-session-name = The session name under which the copy role is assumed; CloudTrail shows it.

setting-bucket = Your bucket, the destination (the manual's step 1-1).
setting-dest-prefix = A prefix before the vendor's keys in your bucket. Every command needs the same one.
setting-source-bucket = The vendor's bucket.
setting-source-account = The vendor's account. Both buckets are pinned to their owners with every request.
setting-region = The region of both buckets and of STS. AWS_REGION is not looked at.
setting-endpoint-url =
    The S3 endpoint, for other stores and for tests. One that is not on this machine is taken from a
    flag, the environment or a file named with --config, not from a flex.toml that was found. Plain HTTP to
    another machine is refused unless --allow-http is given.
setting-sts-endpoint-url = The STS endpoint; the same holds.

setting-include = Only files whose name matches one of these patterns.
setting-exclude = No files whose name matches; wins over include.
setting-proof = etag: keep the source's part layout where only that can prove the copy. size: do not.
setting-on-change = What becomes of an object that your bucket has with other content: copy (replace), keep, fail.
setting-journal = The file that uploads under way are written down in, so that a later run goes on where a killed one ended; "none" for none.
setting-manifest = A file or a folder for a record of what each copy proved, which verify reads. In a folder each run writes a file of its own; "none" for none.
setting-storage-class = Storage class of the copies.
setting-sse = Encryption of the copies: AES256, or aws:kms: and the key's id or ARN. When not set, the bucket's own.
setting-max-in-flight = Requests in flight at once, at most. How many there are is found by itself.
setting-max-rps = Ceiling of requests per second. When not set there is none.
setting-answer-timeout = Seconds until a request without an answer is tried again. Copies of large objects get more.
setting-no-expected-owner = Do not pin the buckets to their owners' accounts.
setting-compat = For S3-compatible stores: leave out headers that only AWS knows.
setting-calendar = A file with corrections to the trading calendar; a relative path starts at this file.

setting-lang = Language of remedies and of what doctor, setup and policy check tell: en or ja. When not set, the locale's.
