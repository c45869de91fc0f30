"""What somebody does to what is registered, and what `gastown-webhook check` must say of it. A part of registration.py."""

from town.programs import BINDING, MUTATING, POLICY, VALIDATING


def change(path, value):
    return [{"op": "replace", "path": path, "value": value}]


def removal(path):
    return [{"op": "remove", "path": path}]


# What somebody does to what is registered: words for it, where, how, and the field that `check` must name.
POD = "/webhooks/0"
MUTATIONS = (
    ("failurePolicy", MUTATING, change(f"{POD}/failurePolicy", "Ignore"), "webhooks[pods.gastown.io].failurePolicy is \"Ignore\", shipped is \"Fail\""),
    ("timeoutSeconds", MUTATING, change(f"{POD}/timeoutSeconds", 30), "webhooks[pods.gastown.io].timeoutSeconds is 30, shipped is 3"),
    ("reinvocationPolicy", MUTATING, change(f"{POD}/reinvocationPolicy", "Never"), "webhooks[pods.gastown.io].reinvocationPolicy is"),
    ("sideEffects", MUTATING, change(f"{POD}/sideEffects", "NoneOnDryRun"), "webhooks[pods.gastown.io].sideEffects is"),
    ("matchPolicy", MUTATING, change(f"{POD}/matchPolicy", "Exact"), "webhooks[pods.gastown.io].matchPolicy is"),
    ("all pods", MUTATING, removal(f"{POD}/objectSelector"), "webhooks[pods.gastown.io].objectSelector.matchExpressions is nothing"),
    ("kube-system", MUTATING, removal(f"{POD}/namespaceSelector"), "webhooks[pods.gastown.io].namespaceSelector.matchExpressions is nothing"),
    ("no condition", MUTATING, removal(f"{POD}/matchConditions"), "webhooks[pods.gastown.io].matchConditions is nothing"),
    ("another condition", MUTATING, change(f"{POD}/matchConditions/0/expression", "true"), "webhooks[pods.gastown.io].matchConditions[0].expression is \"true\""),
    ("one more operation", MUTATING, change(f"{POD}/rules/0/operations", ["CREATE", "UPDATE"]), "webhooks[pods.gastown.io].rules[0].operations is [\"CREATE\",\"UPDATE\"]"),
    ("one more rule", MUTATING, [{"op": "add", "path": f"{POD}/rules/-", "value": {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["deployments"]}}],
     "webhooks[pods.gastown.io].rules[1] is {"),
    ("another path", MUTATING, change(f"{POD}/clientConfig/url", "https://127.0.0.1:1/other"), "webhooks[pods.gastown.io].clientConfig.url is \"https://127.0.0.1:1/other\""),
    ("an entry is gone", VALIDATING, removal("/webhooks/0"), "webhooks[policy.gastown.io] is nothing"),
    ("templates refused while we're away", VALIDATING, change("/webhooks/1/failurePolicy", "Fail"), "webhooks[templates.gastown.io].failurePolicy is \"Fail\""),
    ("a rule less", POLICY, removal("/spec/validations/0"), "spec.validations[0].expression is"),
    ("a policy that lets pass what it can't judge", POLICY, change("/spec/failurePolicy", "Ignore"), "spec.failurePolicy is \"Ignore\""),
    ("somebody else is trusted", POLICY, change("/spec/variables/0/expression", "true"), "spec.variables[0].expression is \"true\""),
    ("only audited", BINDING, change("/spec/validationActions", ["Audit"]), "spec.validationActions is [\"Audit\"], shipped is [\"Deny\"]"),
)
