### policy

policy-paste-bucket = paste it as the policy of your bucket (the manual's step 1-3); `flex policy apply` merges it into the one that is there
policy-paste-assume-role = paste it as a policy of your IAM user (the manual's step 1-4)

policy-error = error
policy-warning = warning
policy-breaks = so:
policy-none = the bucket { $bucket } has no policy
policy-nothing = nothing found: the policy lets the copy role do its work
policy-found = errors: { $errors }, warnings: { $warnings }
policy-warned = no errors (warnings: { $warnings }): the policy lets the copy role do its work
policy-apply-mends = `flex policy apply` mends what flex can mend; `flex policy check --fix` shows the change
policy-fix-none = there is nothing that flex can mend
policy-fix-leaves = this is left, for you to decide:
policy-question = Put this policy on the bucket { $bucket }?
policy-without-yes = nothing was changed: that needs --yes
policy-applied = the policy of the bucket { $bucket } is changed
policy-right = nothing was changed: the policy of the bucket { $bucket } is right already
policy-not-ours = nothing was changed: what is wrong is not flex's to change
policy-mend-by-hand = mend it in the S3 console, or remove it there and run this again
policy-mend-waiting = wait until the vendor has created the role, about 5 business days after your notice (step 1-2), and run this again; `flex setup --wait` waits by itself

## Findings: what is wrong, what it does, what to do

policy-malformed-breaks = AWS refuses the policy as malformed

policy-invalid-json-problem = not valid JSON at line { $line }, column { $column }: { $mistake ->
   *[other] { $text }
}
policy-invalid-json-breaks = AWS does not take the policy at all
policy-invalid-json-mend = mend line { $line }, column { $column }

policy-not-a-policy-problem = this is not a policy: there is { $found }, expected is { $expected }
policy-not-a-policy-mend = write { $expected } there

policy-unknown-element-problem = policies have no "{ $found }"
policy-unknown-element-mend = write { $meant }
policy-unknown-element-remove = remove it

policy-missing-element-problem = { $element } is missing
policy-missing-element-mend = add { $element }

policy-wrong-form-problem = { $element } cannot be { $found }
policy-wrong-form-mend = write { $element } as a string or a list of strings

policy-duplicate-key-problem = "{ $key }" is there twice
policy-duplicate-key-breaks = AWS refuses the policy, or takes one of the two without saying which
policy-duplicate-key-mend = keep one "{ $key }" with all values in a list

policy-duplicate-sid-problem = the Sid "{ $sid }" is there twice
policy-duplicate-sid-mend = give each statement a Sid of its own

policy-bad-sid-problem = IAM does not take the Sid "{ $sid }"
policy-bad-sid-mend = use letters and digits alone

policy-bad-effect-problem = the effect "{ $found }" is neither "Allow" nor "Deny"
policy-bad-effect-mend = write "Allow" or "Deny"

policy-wrong-version-problem = there is no policy version "{ $found }"
policy-wrong-version-mend = write "2012-10-17"

policy-too-large-problem = the policy has { $bytes } bytes; AWS takes { $limit }
policy-too-large-breaks = AWS refuses to save the policy
policy-too-large-mend = remove white space and statements that nobody needs

policy-missing-statement-problem = no statement about the copy role allows { $actions }
policy-missing-action-problem = the statement for the copy role does not allow { $action }
policy-not-allowed-breaks = { $deed ->
    [list] what is in your bucket cannot be listed, so that no copy begins
    [assume] the copy role cannot be assumed: AccessDenied
   *[put] every copy is refused with AccessDenied
}
policy-missing-statement-mend = add a statement that allows { $actions }, as in the manual's template
policy-missing-action-mend = add { $action } to the actions

policy-misspelt-action-problem = there is no action "{ $found }"
policy-misspelt-action-breaks = AWS refuses the policy, and nothing allows { $meant }
policy-misspelt-action-mend = write "{ $meant }"

policy-wrong-principal-problem = the principal "{ $found }" is not your copy role: { $part ->
    [form] it is not the ARN of a role
    [partition] the partition differs
    [account] the account is not the vendor's
    [name] the role's name differs
    [subscriber] the account id at the end of the name is not yours
    [session] it is a session of a role
    [wildcard] a principal's ARN takes no wildcard
   *[other] it is somebody else
}
policy-wrong-principal-breaks = { $part ->
    [subscriber] your copy role is not let in, and perhaps another subscriber's is
    [session] only sessions of that very name are let in
   *[other] the copy role is not let in, or S3 refuses the policy with "Invalid principal"
}
policy-wrong-principal-mend = write "{ $expected }"

policy-public-principal-problem = the principal is everybody
policy-public-principal-breaks = anybody may do it; and with Block Public Access on, S3 refuses to save the policy
policy-public-principal-mend = name the copy role as the principal, or remove the statement

policy-broad-principal-problem = the principal "{ $found }" is the vendor's whole account
policy-broad-principal-breaks = every identity of the vendor's that its own policies allow is let in
policy-broad-principal-mend = name the copy role alone

policy-dead-principal-problem = the principal "{ $found }" is the id of a user or role that was deleted
policy-dead-principal-breaks = it lets nobody in, and S3 refuses to save the policy again
policy-dead-principal-mend = write "{ $expected }", or remove it if the statement is not for the copy role

policy-malformed-arn-problem = "{ $found }" is not an ARN of S3; a bucket's has three colons after s3
policy-resource-breaks = S3 refuses to save the policy: it has an invalid resource
policy-malformed-arn-mend = write "{ $meant }"

policy-other-bucket-problem = "{ $found }" is not this bucket
policy-other-bucket-mend = write "{ $expected }"

policy-wrong-resource-problem = { $action } does nothing on { $found }
policy-wrong-resource-mend = add "{ $expected }" to the resources

policy-narrow-resource-problem = "{ $found }" is a part of the bucket
policy-narrow-resource-breaks = only objects that fit it can be copied
policy-narrow-resource-mend = write "{ $expected }", or copy under that prefix alone (--dest-prefix)

policy-missing-condition-problem = the condition on { $key } is missing
policy-missing-condition-breaks = copies work, but objects could be put without giving you control of them
policy-missing-condition-mend = add the condition StringEquals { $key } = { $value }

policy-wrong-condition-problem = the condition { $operator } { $key } = { $found } is not the manual's
policy-wrong-condition-breaks = no copy meets it: every one is refused with AccessDenied
policy-wrong-condition-mend = write { $expected }

policy-condition-never-met-problem = { $action } never meets the condition { $operator } { $key } = { $found }
policy-condition-never-met-mend = remove the condition { $operator } { $key } from this action

policy-condition-may-fail-problem = it cannot be told here whether { $action } meets the condition { $operator } { $key } = { $found }
policy-condition-may-fail-breaks = where it is not met, { $action } is refused
policy-condition-may-fail-mend = make sure that { $operator } { $key } is met where flex runs, or remove the condition

policy-deny-wins-problem = this Deny forbids the copy role { $actions }
policy-deny-wins-breaks = a Deny wins over every Allow: { $actions } is always refused
policy-deny-wins-mend = take the copy role out of this Deny, for example with the condition StringNotEquals aws:PrincipalArn. flex leaves it to you

policy-deny-may-win-problem = this Deny forbids the copy role { $actions } in cases: { $because }
policy-deny-may-win-breaks = a Deny wins over every Allow: { $actions } is refused in these cases
policy-deny-may-win-mend = make sure that copies do not fall under it, or take the copy role out of it. flex leaves it to you

policy-wrong-role-problem = the role "{ $found }" is not your copy role: { $part ->
    [form] it is not the ARN of a role
    [partition] the partition differs
    [account] the account is not the vendor's
    [name] the role's name differs
    [subscriber] the account id at the end of the name is not yours
    [session] it is a session of a role
   *[other] it is another role
}
policy-wrong-role-mend = write "{ $expected }"

policy-broad-role-problem = "{ $found }" is more than the copy role
policy-broad-role-breaks = this identity may assume other roles, too
policy-broad-role-mend = write "{ $expected }"
