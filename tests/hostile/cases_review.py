"""The request around the pod, and its bytes. What isn't an AdmissionReview v1 that one can read in only one way is 400: the API server's
failure policy decides then. What is a review of something else than the creation of a pod is none of ours, whatever is in it."""
import json

from case import MIB, Case, pod, raw, without
from engine import admission_review
from expect import denied, http, ignored, injected

REVIEW = json.loads(admission_review(pod()))
WHOLE = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"}


def review(**members):
    """The bytes of a review with these members besides its kind and version."""
    return json.dumps({**WHOLE, **members}).encode()


def request(**members):
    """The bytes of a review whose request has other members; None takes one away."""
    whole = {key: value for key, value in {**REVIEW["request"], **members}.items() if value is not None or key in ("oldObject", "object")}
    return review(request=whole)


def nested(depth, opening=b"[", closing=b"]"):
    return opening * depth + b"0" + closing * depth


def inside_pod(value):
    """A review with this text as a member that nobody knows."""
    return lambda: raw(b'"status": "@"', b'"x-hostile": ' + (value() if callable(value) else value), {**pod(), "status": "@"})


SHAPES = [
    Case("review-null", "null is valid JSON", b"null", http(400, "must be an AdmissionReview")),
    Case("review-list", "so is a list", b"[]", http(400, "must be an AdmissionReview")),
    Case("review-number", "and a number", b"5", http(400, "must be an AdmissionReview")),
    Case("review-string", "and a string", b'"AdmissionReview"', http(400, "must be an AdmissionReview")),
    Case("review-empty-object", "no kind", b"{}", http(400, "must be an AdmissionReview")),
    Case("review-empty", "nothing", b"", http(400)),
    Case("review-blank", "only white space", b" \t ", http(400)),
    Case("review-wrong-kind", "a pod, not a review of one", json.dumps(pod()).encode(), http(400, "must be an AdmissionReview")),
    Case("review-list-of-reviews", "a List isn't a review", json.dumps({"kind": "List", "apiVersion": "v1", "items": [REVIEW]}).encode(), http(400, "must be")),
    Case("review-v1beta1", "an older version has another shape", json.dumps({**REVIEW, "apiVersion": "admission.k8s.io/v1beta1"}).encode(), http(400, "admission.k8s.io/v1")),
    Case("review-v2", "and so may a newer one", json.dumps({**REVIEW, "apiVersion": "admission.k8s.io/v2"}).encode(), http(400, "admission.k8s.io/v1")),
    Case("review-kind-null", "null isn't a kind", json.dumps({**REVIEW, "kind": None}).encode(), http(400, "must be an AdmissionReview")),
    Case("review-kind-case", "kinds are exact", json.dumps({**REVIEW, "kind": "admissionreview"}).encode(), http(400, "must be an AdmissionReview")),
    Case("review-with-response", "an answer beside the question isn't read", json.dumps({**REVIEW, "response": {"uid": "x", "allowed": False}}).encode(), injected()),
    Case("request-missing", "no request", review(), http(400, "request: must be an object")),
    Case("request-null", "request: null", review(request=None), http(400, "request: must be an object")),
    Case("request-list", "a list of requests", review(request=[REVIEW["request"]]), http(400, "request: must be an object")),
    Case("request-string", "a request as text", review(request=json.dumps(REVIEW["request"])), http(400, "request: must be an object")),
    Case("request-empty", "no uid to answer to", review(request={}), http(400, "request.uid")),
    Case("uid-missing", "no uid to answer to", request(uid=None), http(400, "request.uid")),
    Case("uid-number", "an uid is text", request(uid=5), http(400, "request.uid")),
    Case("uid-empty", "an empty one is refused by the API server", request(uid=""), http(400, "request.uid")),
    Case("uid-odd", "whatever it is, it comes back as it was", pod(), injected(), uid='a"\\\n\u0000\u2028\U0001f431/~'),
    Case("uid-large", "also when it is large", pod(), injected(), uid="u" * MIB),
]

RESOURCES = [
    Case("operation-missing", "without CREATE it is no creation", request(operation=None), ignored),
    Case("operation-update", "an agent's labels on an update don't matter; one that says what was before: cases_update.py", pod(), ignored, operation="UPDATE"),
    Case("operation-delete", "DELETE has no object", request(operation="DELETE", object=None), ignored),
    Case("operation-lower", "operations are exact", pod(), ignored, operation="create"),
    Case("operation-list", "nor is a list an operation", pod(), ignored, operation=["CREATE"]),
    Case("resource-missing", "without a resource it is no pod", request(resource=None), ignored),
    Case("resource-null", "null isn't one", pod(), ignored, resource=None),
    Case("resource-string", "nor is text", pod(), ignored, resource="pods"),
    Case("resource-deployments", "a pod's object under another resource", pod(), ignored, resource={"group": "apps", "version": "v1", "resource": "deployments"}),
    Case("resource-other-group", "pods of another API", pod(), ignored, resource={"group": "metrics.k8s.io", "version": "v1", "resource": "pods"}),
    Case("resource-group-missing", "the core group is empty", pod(), injected(), resource={"version": "v1", "resource": "pods"}),
    Case("subresource", "a binding, an exec: not the pod", pod(), ignored, subResource="exec"),
    Case("subresource-empty", "an empty one is none", pod(), injected(), subResource=""),
    Case("namespace-missing", "which town? an agent's pod without a namespace can't be looked up", request(namespace=None), http(400, "request.namespace")),
    Case("namespace-number", "a namespace is text", pod(), http(400, "request.namespace"), namespace=5),
    Case("namespace-elsewhere", "a namespace without a town", pod(), denied(422, "no GasTown"), namespace="hostile"),
    Case("namespace-odd", "a namespace that is none", pod(), denied(422, "no GasTown"), namespace="hostile\n\u0000\"" + "x" * 1000),
    Case("namespace-of-the-request", "request.namespace counts, not the object's", pod(metadata={"namespace": "hostile"}), injected()),
    Case("user-null", "nobody's request", pod(), injected(), userInfo=None),
    Case("user-strings", "groups that aren't a list make no node", pod(annotations={"kubernetes.io/config.mirror": "hostile"}), denied(403, "only a node"), userInfo={"groups": "system:nodes"}),
    Case("mirror-empty", "an empty mirror annotation is one", pod(annotations={"kubernetes.io/config.mirror": ""}), denied(403, "only a node")),
    Case("mirror-group-nul", "a group that only looks like the nodes'", pod(annotations={"kubernetes.io/config.mirror": "x"}), denied(403, "only a node"),
         userInfo={"groups": ["system:nodes\u0000"]}),
    Case("dry-run", "a dry run is answered like any other", pod(), injected(), dryRun=True),
    Case("old-object", "an old object doesn't matter", pod(), injected(), oldObject=pod(labels={"gastown.io/role": "hostile"})),
]

OBJECTS = [
    Case("object-missing", "a creation without an object", review(request=without(REVIEW["request"], "object")), http(400, "request.object")),
    *[Case(f"object-{name}", "an object is an object", request(object=value), http(400, "request.object"))
      for name, value in (("null", None), ("list", []), ("string", "Pod"), ("number", 5), ("true", True))],
    Case("object-empty", "none of ours: no label", {}, ignored),
    Case("object-deployment", "the request says pods, the object says something else: one of them lies", {**pod(), "kind": "Deployment"}, http(400, "request.object", "Pod")),
    Case("object-kind-number", "a kind is text", {**pod(), "kind": 5}, http(400, "request.object", "Pod")),
    Case("object-v2", "a pod of a version that we don't know", {**pod(), "apiVersion": "v2"}, http(400, "request.object", "v1")),
    Case("object-kind-missing", "the request says that it is a pod", without(pod(), "kind"), injected()),
    Case("object-version-missing", "and of which version", without(pod(), "apiVersion"), injected()),
    Case("object-of-others", "a foreign pod is left alone, whatever it says it is", {"kind": "Deployment", "metadata": {"labels": {"app.kubernetes.io/name": "gastown"}}}, ignored),
]

BYTES = [
    Case("not-json", "text", b"hostile", http(400, "byte 1")),
    Case("json-cut", "the end is missing", admission_review(pod())[:-1], http(400)),
    Case("json-twice", "two reviews in a line", admission_review(pod()) * 2, http(400)),
    Case("json-trailing-comma", "no grammar has it", raw(b'"dryRun": false', b'"dryRun": false,'), http(400)),
    Case("json-comment", "nor comments", raw(b'"dryRun": false', b'"dryRun": false /* hostile */'), http(400)),
    Case("json-single-quotes", "nor single quotes", raw(b'"dryRun"', b"'dryRun'"), http(400)),
    *[Case(f"number-{name}", "not a number of JSON's", raw(b'"dryRun": false', b'"dryRun": ' + number), http(400))
      for name, number in (("nan", b"NaN"), ("infinity", b"-Infinity"), ("hex", b"0x10"), ("plus", b"+1"), ("leading-zero", b"01"), ("bare-point", b"1."), ("point-first", b".5"),
                           ("exponent", b"1e"), ("minus", b"-"))],
    *[Case(f"number-{name}", "a legal number that no double holds is the client's business", inside_pod(number), injected())
      for name, number in (("huge", b"1e999999"), ("tiny", b"1e-999999"), ("minus-zero", b"-0"), ("long", b"9" * 100_000), ("precise", b"0." + b"1" * 100_000))],
    Case("bytes-bom", "a byte order mark is no JSON", b"\xef\xbb\xbf" + admission_review(pod()), http(400)),
    Case("bytes-nul", "a NUL byte is no JSON", raw(b'"toast"', b'"to\x00ast"'), http(400)),
    Case("bytes-control", "nor is a bare tab in a string", raw(b'"toast"', b'"to\tast"'), http(400)),
    Case("bytes-utf16", "another encoding", admission_review(pod()).decode().encode("utf-16").replace(b"\n", b""), http(400)),
    *[Case(f"utf8-{name}", "invalid UTF-8 would be read differently by the next one", raw(b'"toast"', b'"' + text + b'"'), http(400, "UTF-8"))
      for name, text in (("stray", b"\x80"), ("cut", b"\xe2\x82"), ("overlong", b"\xc0\xaf"), ("overlong-nul", b"\xc0\x80"), ("surrogate", b"\xed\xa0\x80"), ("beyond", b"\xf4\x90\x80\x80"))],
    *[Case(f"escape-{name}", "half a character", raw(b'"toast"', b'"' + text + b'"'), http(400))
      for name, text in (("high", rb"\ud83d"), ("low", rb"\udc31"), ("reversed", rb"\udc31\ud83d"), ("high-twice", rb"\ud83d\ud83d"), ("unknown", rb"\x41"), ("short", rb"\u12"))],
    Case("escape-pair", "a whole one", raw(b'"name": "p"', rb'"name": "p", "x-hostile": "\ud83d\udc31"'), injected()),
    Case("duplicate-request", "a key twice could be read in two ways", raw(b'"request": {"uid"', b'"request": null, "request": {"uid"'), http(400, "duplicate", "request")),
    Case("duplicate-label", "above all a label", raw(b'"gastown.io/role": "polecat"', b'"gastown.io/role": "polecat", "gastown.io/role": "crew"'), http(400, "duplicate", "role")),
    Case("duplicate-escaped", "also where one is spelt with an escape", raw(b'"gastown.io/role": "polecat"', rb'"gastown.io/role": "polecat", "gastown.io\u002frole": "crew"'), http(400, "duplicate")),
    Case("duplicate-unknown", "and where nobody looks", inside_pod(b'{"a": 1, "b": [{"c": 1, "c": 1}]}'), http(400, "duplicate", "c")),
    Case("duplicate-nul", "two names with NULs are two names", inside_pod(rb'{"a\u0000b": 1, "a\u0000c": 2, "a": 3}'), injected()),
    Case("duplicate-nul-same", "and twice the same is twice the same", inside_pod(rb'{"a\u0000b": 1, "a\u0000b": 2}'), http(400, "duplicate")),
    Case("duplicate-late", "the hundred thousandth member is compared in no time", inside_pod(lambda: b"{" + b",".join(b'"k%d": 0' % i for i in range(200_000)) + b', "k1": 0}'),
         http(400, "duplicate", "k1")),
]

DEPTH = [
    Case("deep-legal", "deep but within the limit", inside_pod(nested(90)), injected()),
    Case("deep-beyond", "one more than anybody needs", inside_pod(nested(101)), http(400, "deep")),
    Case("deep-bomb-lists", "a million brackets", lambda: b"[" * MIB, http(400)),
    Case("deep-bomb-closed", "closed again", inside_pod(lambda: nested(MIB)), http(400, "deep")),
    Case("deep-bomb-objects", "objects", inside_pod(lambda: nested(MIB // 4, b'{"a":', b"}")), http(400, "deep")),
]

SIZE = [
    Case("size-8-mib", "as large as a review may be", lambda: admission_review(pod()) + b" " * (8 * MIB - len(admission_review(pod()))), injected()),
    Case("size-beyond", "one byte more", lambda: admission_review(pod()) + b" " * (8 * MIB + 1 - len(admission_review(pod()))), http(413, "8 MiB")),
    Case("size-far-beyond", "very much more", lambda: b"x" * (20 * MIB), http(413, "8 MiB")),
    Case("size-zeros", "what takes most memory for its size", lambda: raw(b'"dryRun": false', b'"dryRun": [' + b"0," * (4 * MIB - 2048) + b"0]"), injected(), read_as=pod()),
    Case("size-strings", "a million short strings", inside_pod(lambda: b"[" + b'"",' * MIB + b'""]'), injected()),
    Case("size-escapes", "a string that is all escapes", inside_pod(lambda: b'"' + rb"\u0000" * (MIB // 2) + b'"'), injected()),
]

CASES = SHAPES + RESOURCES + OBJECTS + BYTES + DEPTH + SIZE
