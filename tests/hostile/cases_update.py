"""Updates of pods: request.object beside request.oldObject. An API server sends neither that it wouldn't store; whatever comes, what was there
passes, and what is new is judged as on a new pod."""
from case import MIB, Case, pod, without
from expect import accepted, denied, http, ignored

PRIVILEGED = {"privileged": True}
OLD = pod()


def case(name, why, new, expect, old=OLD, **request):
    return Case("update-" + name, why, new, expect, operation="UPDATE", oldObject=old() if callable(old) else old, **request)


def image(name):
    return pod(container={"image": name})


def debug(*containers, **spec):
    return pod(ephemeralContainers=list(containers), **spec)


def bug(i=0, **members):
    return {"name": f"hostile-{i}", "image": "ghcr.io/acme/tools:1", **members}


def nested(depth):
    value = 0
    for _ in range(depth):
        value = [value]
    return value


CASES = [
    case("nothing", "nothing has changed", OLD, ignored),
    case("labels", "what isn't judged has", pod(labels={"hostile": "x" * MIB}), ignored),
    case("image", "another image, and no policy about images here", image("hostile:2"), accepted()),
    case("image-odd", "an image that is none", image("hostile\u0000\n\u202e{{"), accepted()),
    case("image-large", "or too large to be one", image("hostile" * 100_000), accepted()),
    case("image-types", "or no text", image({"hostile": [nested(80)]}), accepted()),
    case("image-same-number", "unchanged, whatever it is", image(5), ignored, old=image(5)),
    case("old-string", "or is no pod", OLD, http(400, "request.oldObject"), old="hostile"),
    case("old-other", "or something else", OLD, http(400, "request.oldObject"), old={"kind": "Rig", "apiVersion": "gastown.io/v1alpha1"}),
    case("new-missing", "what is after isn't known", b'{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {"uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "namespace": "gastown", '
         b'"resource": {"version": "v1", "resource": "pods"}, "operation": "UPDATE", "oldObject": {}}}', http(400, "request.object")),
    case("namespace-missing", "which town's policy?", OLD, http(400, "request.namespace"), namespace=None),
    case("namespace-elsewhere", "no town, and nothing has changed", OLD, ignored, namespace="hostile"),
    case("namespace-elsewhere-image", "no town, and an image has", image("hostile:2"), denied(422, "no GasTown"), namespace="hostile"),
    case("label-gone", "who takes the label off isn't out of it", without(debug(bug(securityContext=PRIVILEGED)), "metadata", "labels", "gastown.io/agent"), denied(403, "the whole node")),
    case("label-none", "no agent's pod", without(debug(bug(securityContext=PRIVILEGED)), "metadata", "labels", "gastown.io/agent"), ignored,
         old=without(pod(), "metadata", "labels", "gastown.io/agent")),
    case("mirror", "nobody becomes a mirror", {**debug(bug(securityContext=PRIVILEGED)), "metadata": pod(annotations={"kubernetes.io/config.mirror": "hostile"})["metadata"]}, denied(403, "the whole node")),
    case("debug", "kubectl debug", debug(bug()), accepted("allowPrivilegeEscalation"), subResource="ephemeralcontainers"),
    case("debug-privileged", "with the node", debug(bug(securityContext=PRIVILEGED)), denied(403, "the whole node", fields=["spec.ephemeralContainers[hostile-0].securityContext.privileged"]), subResource="ephemeralcontainers"),
    case("debug-update", "by the way of the pod itself", debug(bug(securityContext=PRIVILEGED)), denied(403, "the whole node")),
    case("debug-stays", "one that is there stays", debug(bug(securityContext=PRIVILEGED)), ignored, old=debug(bug(securityContext=PRIVILEGED)), subResource="ephemeralcontainers"),
    case("debug-moved", "in another list it is another", debug(bug(securityContext=PRIVILEGED)), denied(403, "the whole node"),
         old=pod(initContainers=[bug(securityContext=PRIVILEGED)]), subResource="ephemeralcontainers"),
    case("debug-nameless", "without a name", debug({"image": "hostile", "securityContext": PRIVILEGED}), denied(403, "the whole node"), subResource="ephemeralcontainers"),
    case("debug-null", "a null in the list", debug(None, 5, [], "hostile"), accepted(), subResource="ephemeralcontainers"),
    case("debug-object", "no list", pod(ephemeralContainers={"hostile": bug(securityContext=PRIVILEGED)}), denied(403, "the whole node"), subResource="ephemeralcontainers"),
    case("debug-many", "twenty thousand, each of them bad", lambda: debug(*(bug(i, securityContext=PRIVILEGED) for i in range(20_000))), denied(403, "and 19900 more"), subResource="ephemeralcontainers"),
    case("debug-many-stay", "and all of them there already", lambda: debug(*(bug(i, securityContext=PRIVILEGED) for i in range(10_000))), ignored,
         old=lambda: debug(*(bug(i, securityContext=PRIVILEGED) for i in range(10_000))), subResource="ephemeralcontainers"),
    case("debug-many-turned", "in another order", lambda: debug(*(bug(i, securityContext=PRIVILEGED) for i in range(10_000))), ignored,
         old=lambda: debug(*(bug(i, securityContext=PRIVILEGED) for i in reversed(range(10_000)))), subResource="ephemeralcontainers"),
    case("one-name", "ten thousand of one name", lambda: debug(*[bug(securityContext=PRIVILEGED)] * 10_000), denied(403, "the whole node"),
         old=lambda: debug(*[bug()] * 10_000), subResource="ephemeralcontainers"),
    case("apparmor-many", "twenty thousand annotations, each of them off", lambda: pod(annotations={f"container.apparmor.security.beta.kubernetes.io/hostile-{i}": "unconfined" for i in range(20_000)}),
         denied(403, "switches AppArmor off"), old=lambda: pod(annotations={f"container.apparmor.security.beta.kubernetes.io/hostile-{i}": "x" for i in reversed(range(20_000))})),
    case("deep", "as deep as it gets", pod(hostPID=nested(90)), accepted(), old=pod(hostPID=nested(89))),
    case("status", "the status isn't looked at", debug(bug(securityContext=PRIVILEGED)), ignored, subResource="status"),
    case("subresource-number", "nor what is no subresource", debug(bug(securityContext=PRIVILEGED)), ignored, subResource=5),
]
