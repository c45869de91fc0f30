"""The pod itself: whoever may create pods may send any of these. Where it is not ours to judge (a label that no API server stores, a list
with a null in it), the answer is that of a good pod, and the API server refuses what it always refuses."""
import json

from case import MIB, Case, pod, without
from expect import denied, ignored, injected, silent

LONG = "hostile" + "x" * MIB
QUOTES = 'hostile "quotes\\", \n\t\u0001 {{$(GT_ROLE)}} \u2028\u202e \U0001f431'
HASH, LAYERS, ENGINE = "gastown.io/template-hash", "gastown.io/layers", "gastown.io/engine"
RAW_AGENT, RAW_RIG = "gastown.io/raw-agent", "gastown.io/raw-rig"
EVENT = "event.gastown.io/"


def labelled(**labels):
    """With these of our labels."""
    return pod(labels={f"gastown.io/{key}": value for key, value in labels.items()})


def raw_named(raw, label):
    return pod(labels={"gastown.io/agent": label}, annotations={RAW_AGENT: raw})


def event(key, value):
    return pod(annotations={EVENT + key: value})


def many(count, element):
    """Texts and objects with # counted up."""
    text = json.dumps(element)
    return [json.loads(text.replace("#", str(i))) for i in range(count)]


def env(*entries):
    return pod(container={"env": list(entries)})


LABEL_CASES = [
    Case("label-quotes", "odd characters in labels that aren't ours", pod(labels={"hostile": QUOTES}), injected()),
    Case("label-keys", "keys that a JSON pointer escapes", pod(labels={"hostile/~1~0": "hostile", "~": "hostile", "/": "hostile", "": "hostile"}), injected()),
    Case("label-nul", "a NUL in somebody else's label", pod(labels={"hostile": "\u0000"}), injected()),
    Case("label-large", "a label as large as it gets", pod(labels={"hostile": LONG}), injected()),
    Case("label-number", "a label that is no text", pod(labels={"hostile": 5, "hostile/list": [], "hostile/null": None}), injected()),
    Case("label-many", "a hundred thousand labels", lambda: pod(labels={f"hostile-{i}": "x" for i in range(100_000)}), injected()),
    Case("agent-empty", "an agent without a name", labelled(agent=""), denied(422, "isn't empty", fields=["metadata.labels[gastown.io/agent]"])),
    Case("agent-null", "null is no label: none of ours", labelled(agent=None), ignored),
    Case("agent-number", "a name is text", labelled(agent=5), denied(422, "must be a string", fields=["metadata.labels[gastown.io/agent]"])),
    Case("agent-list", "a name is text", labelled(agent=["toast"]), denied(422, "must be a string", fields=["metadata.labels[gastown.io/agent]"])),
    Case("agent-newline", "no label value: the message says which one is", labelled(agent="to\nast"), denied(422, "is no label value", fields=["metadata.labels[gastown.io/agent]"])),
    Case("agent-quotes", "nor quotes", labelled(agent=QUOTES), denied(422, "is no label value")),
    Case("agent-nul", "a NUL in a label of ours is named", labelled(agent="to\u0000ast"), denied(422, "NUL", fields=["metadata.labels[gastown.io/agent]"])),
    Case("agent-large", "a name of 1 MiB", labelled(agent=LONG), denied(422, "is no label value")),
    Case("agent-path", "a name that would leave its folder", labelled(agent="../../etc"), denied(422, "is no label value")),
    Case("agent-key-nul", "a NUL in the key of one of ours", pod(labels={"gastown.io/ag\u0000ent": "hostile"}), denied(422, "NUL")),
    Case("agent-key-nul-alone", "and a key that only begins like ours makes no agent", without(pod(labels={"gastown.io/agent\u0000": "hostile"}), "metadata", "labels", "gastown.io/agent"), ignored),
    Case("role-missing", "a role is needed", without(pod(), "metadata", "labels", "gastown.io/role"), denied(422, "missing", fields=["metadata.labels[gastown.io/role]"])),
    Case("role-quotes", "a role is a word", labelled(role=QUOTES), denied(422, "lower-case word")),
    Case("role-large", "of at most 63 letters", labelled(role="x" * MIB), denied(422, "lower-case word")),
    Case("role-escape", "a role stands in file names", labelled(role="../crew"), denied(422, "lower-case word")),
    Case("rig-missing", "a polecat has a rig", without(pod(), "metadata", "labels", "gastown.io/rig"), denied(422, "needs a rig")),
    Case("rig-town", "the town is no rig", labelled(rig="town"), denied(422, "reserved")),
    Case("rig-large", "a rig of 1 MiB", labelled(rig=LONG), denied(422, "is no label value")),
    Case("all-wrong", "all that is wrong with an identity is said at once", labelled(role="A", agent="\n", rig="town"), denied(422, fields=[f"metadata.labels[gastown.io/{key}]" for key in ("role", "agent", "rig")])),
]

ANNOTATION_CASES = [
    Case("annotation-quotes", "odd characters", pod(annotations={"hostile": QUOTES, "hostile/json": json.dumps({"a": QUOTES})}), injected()),
    Case("annotation-keys", "keys that a JSON pointer escapes, the empty one too", pod(annotations={"hostile/~1~0/": "hostile", "~": "hostile", "/": "hostile", "": "hostile"}), injected()),
    Case("annotation-nul", "a NUL where it is none of our business", pod(annotations={"hostile\u0000": "\u0000hostile"}), injected()),
    Case("annotation-nul-ours", "and where it is", event("image", "ghcr.io/acme/agent\u0000:v7"), denied(422, "NUL", fields=["metadata.annotations[event.gastown.io/image]"])),
    Case("annotation-key-nul-ours", "in the key of one of ours, too", event("im\u0000age", "hostile"), denied(422, "NUL")),
    Case("annotation-large", "3 MiB in one annotation", lambda: pod(annotations={"hostile": "hostile" * (3 * MIB // 7)}), injected()),
    Case("annotation-many", "a hundred thousand", lambda: pod(annotations={f"hostile-{i}": "x" for i in range(100_000)}), injected()),
    Case("hash-forged", "a pod that says that it has been done", pod(annotations={HASH: "0123456789abcdef", LAYERS: "GasTown/main@1", ENGINE: "1"}), injected(HASH, least=10)),
    Case("hash-forged-large", "at length", pod(annotations={HASH: LONG, LAYERS: LONG, ENGINE: LONG}), injected(HASH, LAYERS)),
    Case("hash-forged-object", "and with another type", pod(annotations={HASH: {"hostile": 1}, LAYERS: None, ENGINE: ["hostile"]}), injected(HASH)),
    Case("raw-forged", "a raw name that isn't the label's", raw_named("hostile", "toast"), denied(403, "forged", fields=[f"metadata.annotations[{RAW_AGENT}]"])),
    Case("raw-forged-hash", "with a suffix that isn't its hash", raw_named("a/b", "a-b-00000000"), denied(403, "forged")),
    Case("raw-forged-case", "or another spelling", raw_named("Toast", "toast"), denied(403, "forged")),
    Case("raw-forged-rig", "a raw rig beside a label that needs none", pod(annotations={RAW_RIG: "hostile"}), denied(403, "forged", fields=[f"metadata.annotations[{RAW_RIG}]"])),
    Case("raw-rig-alone", "a raw rig without a label", without(pod(labels={"gastown.io/role": "mayor"}, annotations={RAW_RIG: "gastown"}), "metadata", "labels", "gastown.io/rig"), denied(403, "forged")),
    Case("raw-plain", "a raw name where the label says it all", raw_named("toast", "toast"), injected()),
    Case("raw-empty", "an empty one", raw_named("", "toast"), denied(422, "isn't empty")),
    Case("raw-list", "one that is no text", raw_named(["toast"], "toast"), denied(422, "must be a string")),
    Case("raw-nul", "one with a NUL", raw_named("to\u0000ast", "to-ast-00000000"), denied(422, "NUL")),
    Case("raw-large", "a forged one of 1 MiB", raw_named(LONG, "toast"), denied(422, "at most")),
    Case("event-unknown", "a key of ours that we don't know gets a warning, cut", event(LONG, "x"), injected("known, has no effect")),
    Case("event-unknown-many", "and the rest is counted", lambda: pod(annotations={f"{EVENT}hostile-{i}": "x" for i in range(20_000)}), injected("more warnings")),
    Case("event-types", "events are text", pod(annotations={EVENT + "bead": {"hostile": 1}, EVENT + "image": 5, EVENT + "branch": ["x"]}),
         denied(422, fields=[f"metadata.annotations[{EVENT}{key}]" for key in ("bead", "image", "branch")])),
    Case("event-template-nothing", "a template that is null", event("template", "null"), denied(422, "template")),
    Case("event-template-list", "or a list", event("template", "[]"), denied(422, "template")),
    Case("event-template-text", "or no JSON", event("template", "hostile: yaml"), denied(422, "template")),
    Case("event-template-cut", "or the half of it", event("template", '{"image":'), denied(422, "template")),
    Case("event-template-twice", "or has a key twice", event("template", '{"image":"a:1","image":"b:1"}'), denied(422, "template")),
    Case("event-template-deep", "or a bomb", event("template", '{"affinity":' + '{"a":' * 100_000 + "1" + "}" * 100_001), denied(422, "template")),
    Case("event-template-large", "or 1 MiB", event("template", json.dumps({LONG: 1})), denied(422, "longer")),
    Case("event-template-unknown", "or a field of 200 KiB", event("template", json.dumps({"hostile" * 30_000: 1})), denied(422, "unknown")),
    Case("event-template-elements", "or more than anybody needs", lambda: event("template", json.dumps({"tolerations": [{"key": f"hostile-{i}"} for i in range(5_000)]})), denied(422, "more than 128")),
    Case("event-template-many-unknown", "or ten thousand", lambda: event("template", json.dumps({f"hostile-{i}": 1 for i in range(10_000)})), denied(422, "unknown", "more")),
    Case("event-template-references", "or a million references without an end", lambda: pod(annotations={EVENT + "template": json.dumps({"env": [{"name": "X", "value": "$(" * 100_000}]})}, hostNetwork=True), denied(403, "hostNetwork")),
    Case("event-template-chain", "or a chain of references, longer than a stack", lambda: pod(annotations={EVENT + "template": json.dumps({"env": [
        {"name": f"X{i}", "value": f"$(X{i + 1})"} for i in range(5_000)]})}, hostNetwork=True), denied(403, "hostNetwork")),
    Case("event-template-root", "or wants to be root", event("template", '{"securityContext":{"runAsUser":0}}'), denied(403)),
    Case("event-template-identity", "or somebody else", event("template", '{"env":[{"name":"GT_AGENT","value":"hostile"}]}'), denied(422, "GT_AGENT")),
    Case("event-template-annotations", "or forges what we write", event("template", json.dumps({"annotations": {HASH: "hostile"}})), denied(422)),
    *[Case(f"event-{key}-{name}", f"{key}: {name}", event(key, value), denied(422, fields=[f"metadata.annotations[{EVENT}{key}]"]))
      for key in ("image", "bead", "branch", "service-account", "config-map", "daemon-port", "api-key-secret", "cpu", "memory")
      for name, value in (("empty", ""), ("quotes", QUOTES), ("large", LONG), ("option", "--upload-pack=hostile"), ("space", " "))],
    *[Case(f"event-port-{value}", "plain digits, 1 to 65535", event("daemon-port", value), denied(422)) for value in ("0", "65536", "-1", "1e3", "99999999999999999999")],
    Case("event-port-080", "a zero in front doesn't come out", event("daemon-port", "080"), injected()),
    Case("event-cpu-1e99999999", "an amount that Kubernetes takes, too", event("cpu", "1e99999999"), injected()),
    *[Case(f"event-branch-{value}", "as git check-ref-format", event("branch", value), denied(422)) for value in ("a..b", "a.lock", "@{x", "a b", "/a", "a/", "a//b", ".a", "a~1", "@")],
    *[Case(f"event-cpu-{value}", "a quantity above nothing", event("cpu", value), denied(422)) for value in ("0", "-1", "NaN", "1KI", "0x1")],
]

METADATA_CASES = [
    Case("metadata-missing", "no labels, no agent", without(pod(), "metadata"), ignored),
    *[Case(f"metadata-{name}", "no labels, no agent", {**pod(), "metadata": value}, ignored) for name, value in (("null", None), ("list", []), ("string", "hostile"))],
    *[Case(f"labels-{name}", "no labels, no agent", pod(metadata={"labels": value}), ignored) for name, value in (("null", None), ("list", ["gastown.io/agent"]), ("string", "gastown.io/agent"))],
    Case("annotations-null", "a whole map of ours in its place", pod(metadata={"annotations": None}), injected(sets=["/metadata/annotations"])),
    Case("annotations-missing", "the same where there is none", without(pod(), "metadata", "annotations"), injected(sets=["/metadata/annotations"])),
    *[Case(f"annotations-{name}", "nothing can be put into that", pod(metadata={"annotations": value}), denied(422, "must be an object", fields=["metadata.annotations"]))
      for name, value in (("list", ["hostile"]), ("string", "hostile"), ("number", 5))],
    Case("name-missing", "generateName will do", without(pod(), "metadata", "name"), injected()),
    Case("name-odd", "the pod's name is the API server's business", pod(metadata={"name": QUOTES, "generateName": 5}), injected()),
]

LISTS = ["containers", "initContainers", "volumes", "tolerations", "imagePullSecrets", "hostAliases", "topologySpreadConstraints"]
OWN_LISTS = ["env", "envFrom", "volumeMounts", "ports", "command", "args"]
SHAPE_CASES = [
    Case("spec-null", "an empty pod gets everything", {**pod(), "spec": None}, injected(sets=["/spec"])),
    Case("spec-missing", "an empty pod gets everything", without(pod(), "spec"), injected(sets=["/spec"])),
    *[Case(f"spec-{name}", "no spec", {**pod(), "spec": value}, denied(422, "must be an object", fields=["spec"])) for name, value in (("list", []), ("string", "hostile"), ("number", 0))],
    Case("lists-null", "null is no list, but what Go prints for an empty one", pod(**{name: None for name in LISTS}), injected()),
    Case("own-lists-null", "in the agent's container, too", pod(container={name: None for name in OWN_LISTS + ["resources", "securityContext", "livenessProbe", "lifecycle"]}), injected()),
    Case("lists-empty", "empty ones", pod(**{name: [] for name in LISTS}), injected()),
    *[Case(f"{name}-{kind}", "another type where a list of ours has to go", pod(**{name: value}), denied(422, "must be a list", fields=[f"spec.{name}"]))
      for name in ("containers", "volumes") for kind, value in (("object", {}), ("string", "hostile"), ("number", 5), ("true", True))],
    *[Case(f"own-{name}-{kind}", "the same in the agent's container", pod(container={name: value}), denied(422, "must be a list", fields=[f"spec.containers[agent].{name}"]))
      for name in ("env", "volumeMounts") for kind, value in (("object", {}), ("string", "hostile"), ("number", 5))],
    Case("own-resources-list", "and where an object has to go", pod(container={"resources": []}), denied(422, "must be an object", fields=["spec.containers[agent].resources"])),
    Case("own-security-list", "a security context above all", pod(container={"securityContext": ["hostile"]}), denied(422, "must be an object", fields=["spec.containers[agent].securityContext"])),
    Case("security-list", "the pod's, too", pod(securityContext=[]), denied(422, "must be an object", fields=["spec.securityContext"])),
    Case("elements-null", "null as an element: the API server's business", pod(container={"env": [None], "ports": [None]}, volumes=[None], initContainers=[None], tolerations=[None]), injected()),
    Case("elements-odd", "so are numbers and lists", pod(container={"env": [5, [], "hostile"], "volumeMounts": [[], 5]}, volumes=[[], "hostile"], initContainers=[5, []]), injected()),
    Case("containers-null-element", "a null beside no agent: ours is added", {**pod(), "spec": {"containers": [None, 5]}}, injected(sets=["/spec/containers/0"])),
    Case("agent-twice", "two containers of that name: refused by the API server, whatever we do", {**pod(), "spec": {"containers": [{"name": "agent"}, {"name": "agent", "hostile": 1}]}}, injected()),
    Case("agent-hidden", "an agent without a name isn't the agent", {**pod(), "spec": {"containers": [{"image": "hostile"}, {"name": None}, {"name": ["agent"]}]}}, injected(sets=["/spec/containers/0"])),
    Case("agent-name-nul", "nor one whose name only begins so", {**pod(), "spec": {"containers": [{"name": "agent\u0000hostile"}]}}, injected(sets=["/spec/containers/0"])),
    Case("agent-in-init", "nor one that is an init container: ours couldn't stand beside it", pod(initContainers=[{"name": "agent", "image": "hostile"}]), denied(422, "agent")),
    Case("agent-name-case", "names are exact", {**pod(), "spec": {"containers": [{"name": "Agent", "image": "hostile"}]}}, injected(sets=["/spec/containers/0"])),
]

EVASION_CASES = [
    *[Case(f"{name}-{kind}", "a violation in another type is the API server's to refuse, but none that it takes gets through", pod(**{name: value}), injected())
      for name in ("hostNetwork", "hostPID") for kind, value in (("string", "true"), ("number", 1), ("null", None), ("list", [True]))],
    *[Case(f"{name}-true", "the real one", pod(**{name: True}), denied(403, fields=[f"spec.{name}"])) for name in ("hostNetwork", "hostPID", "hostIPC")],
    Case("key-case", "Go's decoder reads keys in any case, an API server's doesn't", pod(HostNetwork=True, hostnetwork=True), silent("hostNetwork")),
    Case("host-path-empty", "a hostPath without a path is one", pod(volumes=[{"name": "hostile", "hostPath": {}}]), denied(403, fields=["spec.volumes[hostile].hostPath"])),
    Case("host-path-beside", "beside another source", pod(volumes=[{"name": "hostile", "emptyDir": {}, "hostPath": {"path": "/"}}]), denied(403, fields=["spec.volumes[hostile].hostPath"])),
    Case("host-path-unnamed", "without a name", pod(volumes=[{"hostPath": {"path": "/"}}]), denied(403, fields=["spec.volumes[0].hostPath"])),
    Case("host-path-odd-name", "with an odd one", pod(volumes=[{"name": QUOTES, "hostPath": {"path": "/"}}]), denied(403, "hostPath")),
    Case("privileged-second", "in the second of two containers of the agent's name", {**pod(), "spec": {"containers": [{"name": "agent"}, {"name": "agent", "securityContext": {"privileged": True}}]}}, denied(403, "privileged")),
    Case("privileged-ephemeral", "in an ephemeral container", pod(ephemeralContainers=[{"name": "hostile", "securityContext": {"privileged": True}}]), denied(403, "privileged")),
    Case("privileged-unnamed", "in one without a name", pod(initContainers=[{"securityContext": {"privileged": True}}]), denied(403, "privileged")),
    Case("root-float", "0.0 is root", pod(initContainers=[{"name": "hostile", "securityContext": {"runAsUser": 0.0}}]), denied(403, "runAsUser")),
    Case("root-minus", "so is -0", pod(initContainers=[{"name": "hostile", "securityContext": {"runAsUser": -0.0}}]), denied(403, "runAsUser")),
    Case("root-large", "an id that no double holds: refused by the API server", pod(container={"securityContext": {"runAsUser": 10**30}}), injected()),
    Case("capability-case", "capabilities by another spelling", pod(initContainers=[{"name": "x", "securityContext": {"capabilities": {"add": ["CAP_SYS_ADMIN"]}}}]), denied(403, "capabilities")),
    Case("capability-all", "all of them", pod(initContainers=[{"name": "x", "securityContext": {"capabilities": {"add": ["ALL"]}}}]), denied(403, "capabilities")),
    Case("capability-large", "a long one", pod(initContainers=[{"name": "x", "securityContext": {"capabilities": {"add": [LONG]}}}]), denied(403, "capabilities")),
    Case("denials-many", "the first hundred violations are named, the rest counted", lambda: pod(initContainers=many(10_000, {"name": "hostile-#", "securityContext": {"privileged": True}})), denied(403, "privileged", "more")),
    Case("denials-large", "with names of 10 KB", lambda: pod(initContainers=many(250, {"name": "#" + "hostile" * 1500, "securityContext": {"privileged": True}})), denied(403, "privileged", "more")),
    Case("denials-control", "with names that a terminal would run", lambda: pod(initContainers=many(5, {"name": "#\u001b[31mhostile\u0000\u0085\u202e" * 50, "securityContext": {"privileged": True}})), denied(403, "privileged")),
]

NAME_CASES = [
    Case("volume-taken", "a name of ours, another source", pod(volumes=[{"name": "workspace", "secret": {"secretName": "hostile"}}]), denied(422, "workspace", "secret", fields=["spec.volumes[workspace]"])),
    Case("volume-taken-large", "a source of 1 MiB", pod(volumes=[{"name": "workspace", LONG: {}}]), denied(422, "workspace")),
    Case("volume-taken-odd", "a source whose sixtieth byte is half a character", pod(volumes=[{"name": "workspace", "hostile" + "x" * 52 + "\u00e9\u00e9": {}}]), denied(422, "workspace")),
    Case("volume-taken-quotes", "a source with quotes, control characters and a NUL", pod(volumes=[{"name": "workspace", QUOTES + "\u0000": {}}]), denied(422, "workspace")),
    Case("volume-no-source", "without a source it is an emptyDir, as ours", pod(volumes=[{"name": "workspace"}, {"name": "cache", "emptyDir": None}]), injected()),
    Case("volume-twice", "twice the same name: the API server's business", pod(volumes=[{"name": "tmp", "emptyDir": {}}, {"name": "tmp", "secret": {"secretName": "hostile"}}]), injected()),
    Case("mount-spelling", "a path of ours by another spelling gives way", pod(container={"volumeMounts": [{"name": "hostile", "mountPath": "//tmp/./x/.."}]}), injected("/tmp")),
    Case("mount-long", "a path of 1 MiB of slashes", pod(container={"volumeMounts": [{"name": "hostile", "mountPath": "/tmp" + "/" * MIB}]}), injected("/tmp")),
    Case("mount-dots", "and of dots", pod(container={"volumeMounts": [{"name": "hostile", "mountPath": "/tmp" + "/x/.." * (MIB // 5)}]}), injected("/tmp")),
    Case("mount-types", "paths that are none", pod(container={"volumeMounts": [{"name": "x", "mountPath": 5}, {"mountPath": None}, {}, {"mountPath": ""}]}), injected()),
    Case("env-types", "names that are none", env({"name": 5}, {"name": None}, {}, {"name": ["GT_ROLE"]}, {"name": ""}), injected()),
    Case("env-identity", "an identity of his own", env({"name": "GT_AGENT", "value": "hostile"}, {"name": "GT_CREW", "value": "hostile"}), injected("GT_AGENT", "GT_CREW")),
    Case("env-identity-nul", "a name that only looks like one of ours stays", env({"name": "GT_AGENT\u0000", "value": "hostile"}, {"name": "gt_agent", "value": "hostile"}), silent("gt_agent")),
    Case("env-secret", "a value is never shown: it may be a secret", env({"name": "LOG_LEVEL", "value": "hostile-password"}), silent("hostile-password")),
    Case("env-references", "half a million opened references", env({"name": "MINE", "value": "$(" * (MIB // 2)}), injected()),
    Case("env-references-whole", "and closed ones, to itself", env({"name": "MINE", "value": "$(MINE)" * (MIB // 7)}), injected()),
    Case("env-references-ours", "a value that refers to ours, a million times", env({"name": "MINE", "value": "$(CACHE)" * (MIB // 8)}), injected()),
    Case("image-large", "an image of 1 MiB gives way", pod(container={"image": LONG}), injected("image")),
    Case("quantities", "amounts that are none give way to ours", pod(container={"resources": {"limits": {"cpu": "9" * MIB, "memory": "1e99999999"}, "requests": {"cpu": [], "memory": {"hostile": 1}}}}), injected("memory")),
    Case("quantities-others", "amounts of things that we don't manage stay", pod(container={"resources": {"limits": {"hostile.io/gpu": "NaN", LONG: "1"}}}), injected()),
]

LARGE_CASES = [
    Case("large-env", "60,000 variables of the client's", lambda: pod(container={"env": many(60_000, {"name": "HOSTILE_#", "value": "xxxxxxxxxxxxxxx"})}), injected()),
    Case("large-env-agent-last", "the agent behind 20,000 others", lambda: {**pod(), "spec": {"containers": many(20_000, {"name": "hostile-#", "image": "ghcr.io/acme/x:1"}) + pod()["spec"]["containers"]}}, injected("more warnings")),
    Case("large-volumes", "60,000 volumes", lambda: pod(volumes=many(60_000, {"name": "hostile-#", "emptyDir": {}})), injected()),
    Case("large-mounts", "60,000 mounts", lambda: pod(container={"volumeMounts": many(60_000, {"name": "hostile", "mountPath": "/hostile/#/"})}), injected()),
    Case("large-init", "30,000 init containers", lambda: pod(initContainers=many(30_000, {"name": "hostile-#", "image": "ghcr.io/acme/x:1"})), injected("more warnings")),
    Case("large-tolerations", "60,000 tolerations", lambda: pod(tolerations=many(60_000, {"key": "hostile-#", "operator": "Exists"})), injected()),
    # An API server takes its time over each element that an operation takes out of a list: 60,000 of them keep it busy for 13 seconds.
    Case("repeated-env", "60,000 times a name of ours: not that many operations", lambda: pod(container={"env": many(60_000, {"name": "GT_ROLE", "value": "hostile"})}), denied(422, "1000", fields=["spec.containers[agent].env"])),
    Case("repeated-mounts", "60,000 mounts at a path of ours", lambda: pod(container={"volumeMounts": many(60_000, {"name": "hostile", "mountPath": "/tmp"})}), denied(422, "1000", fields=["spec.containers[agent].volumeMounts"])),
    Case("repeated-tokens", "60,000 mounts of the token", lambda: pod(container={"volumeMounts": many(40_000, {"name": "kube-api-access-1", "mountPath": "/hostile/#"})}, volumes=[
        {"name": "kube-api-access-1", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}]), denied(422, "1000")),
    Case("repeated-few", "a few hundred times is taken out", lambda: pod(container={"env": many(500, {"name": "GT_ROLE", "value": "hostile"})}), injected("GT_ROLE", least=500, most=600)),
]

CASES = LABEL_CASES + ANNOTATION_CASES + METADATA_CASES + SHAPE_CASES + EVASION_CASES + NAME_CASES + LARGE_CASES
