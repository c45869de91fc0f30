"""What must hold for any pod and any templates. Each property is one function of (engines, example...) that raises AssertionError."""
import json
import posixpath
import re
import subprocess

from hypothesis import strategies as st

import model
import rawtext
import rfc6902
from apiserver import complaints, limited, sent_again
from checks import (agent_of, at_path, check_answer, check_env, check_their_references, differences, env_by_name, expand, inject, managed, names, settled,
                    without_empty)
from choices import strategy
from copies import copied
from engine import Answer, admission_review
from pods import (MARK, add, additions, bare, crossing_pod, damage, disturb, disturbances, identity, identity_metadata, junk_line, plant, pod, spoil, worn)
from registry import MOOT, holds
from templates import ALLOWLIST, EVENTS, RIG, crossing_templates, pod_template, template_set

TEMPLATES, PODS = strategy(template_set), strategy(pod)


# ---- once, twice, again ----

@holds(templates=TEMPLATES, pod=PODS)
def idempotent(engines, templates, pod):
    """f(f(x)) = f(x), and then patch and patchType are left out."""
    engine = engines.of(templates)
    _, result = inject(engine, pod)
    if result is None:
        return MOOT
    settled(engine, result, "second pass")


@holds(templates=TEMPLATES, pod=PODS)
def idempotent_after_the_api_server(engines, templates, pod):
    """The same when an API server has decoded, defaulted and encoded the result, and its own plugins have run again."""
    engine = engines.of(templates)
    _, result = inject(engine, pod)
    if result is None:
        return MOOT
    settled(engine, sent_again(result), "pass after the API server")


@holds(templates=TEMPLATES, pod=PODS)
def acceptable(engines, templates, pod):
    """A pod that the API server would take comes out as one that it takes."""
    if complaints(pod):
        return MOOT
    _, result = inject(engines.of(templates), pod)
    if result is None:
        return MOOT
    assert not complaints(result), complaints(result)


# Where a program's memory lies is another each time; so is what is in it, and what people like in their language.
SURROUNDINGS = [{"LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "MALLOC_PERTURB_": "165"}, {"LC_ALL": "C", "LANG": "de_DE", "TZ": "", "MALLOC_PERTURB_": "90", "PADDING": "x" * 9999},
                {"LC_ALL": "ar_EG.UTF-8", "LC_NUMERIC": "de_DE.UTF-8", "NO_COLOR": "1", "TERM": "xterm", "MALLOC_PERTURB_": "255"}]


@holds(templates=TEMPLATES, pod=PODS, around=st.sampled_from(SURROUNDINGS))
def deterministic(engines, templates, pod, around):
    """Same request, same bytes: again in one process, and in another one, elsewhere."""
    line, fresh = admission_review(pod), engines.fresh(templates, around)
    try:
        first, second, third = engines.of(templates).ask(line), engines.of(templates).ask(line), fresh.ask(line)
    finally:
        fresh.close()
    assert first == second == third, f"other bytes: {first}, {second}, {third}"


# ---- other webhooks ----

@holds(templates=TEMPLATES, pod=PODS, additions=strategy(additions))
def leaves_additions_alone(engines, templates, pod, additions):
    """What another webhook puts in between two passes, wherever it stands, is no work for us."""
    engine = engines.of(templates)
    _, result = inject(engine, pod)
    if result is None:
        return MOOT
    settled(engine, add(result, additions), "pass after another webhook")


@holds(templates=TEMPLATES, pod=PODS, additions=strategy(additions))
def commutes_with_another_webhook(engines, templates, pod, additions):
    """Before or after us: what we manage is the same, and all of theirs is there."""
    engine = engines.of(templates)
    first, result = inject(engine, pod)
    before = add(pod, additions)
    after, other = inject(engine, before)
    assert first.allowed == after.allowed, after.denial or first.denial
    if result is None:
        return MOOT
    settled(engine, other, "second pass, the other webhook first")
    assert managed(result, pod) == managed(other, before), "managed fields differ"
    for group in ("containers", "initContainers", "volumes"):
        lost = names(before["spec"].get(group)) - names(other["spec"].get(group)) - {"kube-api-access-x7k2p"}
        assert not lost, f"{group} lost: {lost}"


@holds(templates=TEMPLATES, pod=PODS, disturbances=strategy(disturbances))
def repairs(engines, templates, pod, disturbances):
    """Whatever another webhook moved, dropped or repeated: what comes out has everything of ours once more, and stays so."""
    engine = engines.of(templates)
    _, result = inject(engine, pod)
    if result is None:
        return MOOT
    disturbed = disturb(result, disturbances)
    answer, repaired = inject(engine, disturbed)
    if repaired is None:
        return MOOT # an extra's source may now stand under a name of ours
    settled(engine, repaired, "pass after the repair")
    want, have = env_by_name(agent_of(result)), env_by_name(agent_of(repaired))
    for name in engine_env(engines, templates, pod):
        assert have.get(name) == want[name], f"env {name}: {have.get(name)} instead of {want[name]}"
    check_env(agent_of(repaired), engine_env(engines, templates, pod))


@holds(templates=TEMPLATES, pod=PODS, where=st.integers(0, 99))
def brings_back_one_by_one(engines, templates, pod, where):
    """Another webhook took out a variable of ours and put one of its own in front: one operation, and the rest stays."""
    _, result = inject(engines.of(templates), pod)
    if result is None:
        return MOOT
    ours, env = engine_env(engines, templates, pod), agent_of(result)["env"]
    del env[next(i for i, entry in enumerate(env) if entry["name"] == ours[where % len(ours)])]
    env.insert(0, {"name": "OTHER", "value": "x"})
    answer, again = inject(engines.of(templates), result)
    assert len(answer.patch) == 1 and answer.patch[0]["op"] == "add", f"{len(answer.patch)} operations: {answer.patch}"
    settled(engines.of(templates), again, "pass after that")


def engine_env(engines, templates, pod):
    """The names that the engine manages for this agent."""
    _, result = inject(engines.of(templates), bare(pod))
    return [] if result is None else [entry["name"] for entry in agent_of(result)["env"]]


# ---- the client's bytes ----

@holds(templates=TEMPLATES, pod=PODS, variant=st.integers(0, 99))
def strange_members_survive(engines, templates, pod, variant):
    """Unknown members, numbers that no double holds and odd strings: what they are makes no difference to a single byte of the patch, and
    they come out as they were written."""
    engine = engines.of(templates)
    text, members = plant(pod, variant)
    answer = check_answer(Answer(engine.ask(admission_review(None, text=text))))
    other = check_answer(Answer(engine.ask(admission_review(None, text=plant(pod, variant + 1)[0]))))
    assert answer.allowed == other.allowed, answer.denial or other.denial
    if not answer.allowed:
        return MOOT
    assert answer.patch_text == other.patch_text, f"{answer.patch_text} and {other.patch_text}"
    assert MARK not in answer.patch_text, "the patch prints what the client wrote"
    after = rawtext.apply(text, answer.patch)
    tight = [rawtext.text_of(rawtext.parse("{" + member + "}"))[1:-1] for member in members]
    lost = [member for member in tight if after.count(member) != 1]
    assert not lost, f"not there any more, or twice: {lost[:3]}"
    assert json.loads(after) == rfc6902.apply(json.loads(text), answer.patch), "two implementations of JSON Patch disagree"


@holds(templates=TEMPLATES, pod=PODS)
def touches_little(engines, templates, pod):
    """No operation writes a whole list or object that the client has, nor takes out what isn't ours to take."""
    answer, result = inject(engines.of(templates), pod)
    now = copied(pod)
    for operation in answer.patch if result is not None else []:
        path, there = operation["path"], at_path(now, operation["path"])
        inside_element = re.search(r"/(env|volumeMounts|tolerations|ports|topologySpreadConstraints|hostAliases|imagePullSecrets|envFrom)/\d+$", path)
        one_value = path.rsplit("/", 1)[1] in ("command", "args", "drop", "add", "affinity", "dnsConfig", "livenessProbe", "readinessProbe", "startupProbe",
                                                "seccompProfile", "supplementalGroups")
        if operation["op"] == "remove":
            assert removable(path, there), f"takes out {there} at {path}"
        elif operation["op"] == "replace":
            assert inside_element or one_value or not isinstance(there, (dict, list)), f"writes {path} anew"
        now = rfc6902.apply(now, [operation])


def removable(path, there):
    token = str(there.get("name", "") if isinstance(there, dict) else "").startswith("kube-api-access-")
    return path in ("/spec/priority", "/spec/preemptionPolicy") or bool(re.search(r"/env/\d+$", path)) or token or bool(
        re.search(r"/containers/\d+/volumeMounts/\d+$", path))


# ---- the same for everybody ----

@holds(templates=TEMPLATES, pod=PODS)
def same_for_everybody(engines, templates, pod):
    """Whoever wrote the pod: what a bare pod of this identity gets, this one has, too."""
    engine = engines.of(templates)
    _, result = inject(engine, pod)
    _, least = inject(engine, bare(pod))
    if result is None or least is None:
        return MOOT
    least = copied(least)
    del least["metadata"]["name"], least["metadata"]["labels"]["app.kubernetes.io/name"] # the one is the client's, the other only where there is none
    lacking = differences(least, result, "")
    assert not lacking, lacking[:3]
    want = [entry["name"] for entry in agent_of(least)["env"]]
    have = [entry["name"] for entry in agent_of(result)["env"] if entry["name"] in want]
    assert sorted(have) == sorted(want), f"{have} instead of {want}"


@holds(templates=TEMPLATES, pod=PODS)
def nothing_over_our_paths(engines, templates, pod):
    """At the paths that we manage the agent has one mount, ours, however the client spells them."""
    engine = engines.of(templates)
    _, result = inject(engine, pod)
    _, least = inject(engine, bare(pod))
    if result is None or least is None:
        return MOOT
    have = [posixpath.normpath(mount["mountPath"]) for mount in agent_of(result)["volumeMounts"]]
    for path in {posixpath.normpath(mount["mountPath"]) for mount in agent_of(least)["volumeMounts"]}:
        assert have.count(path) == 1, f"{have.count(path)} mounts at {path}"


@holds(templates=TEMPLATES, older=TEMPLATES, pod=PODS)
def same_after_older_templates(engines, templates, older, pod):
    """A pod that came out of older templates (a copy of a live one) gets all that the new ones say."""
    _, before = inject(engines.of(older), pod)
    if before is None:
        return MOOT
    engine = engines.of(templates)
    _, result = inject(engine, sent_again(before))
    _, least = inject(engine, bare(pod))
    if result is None or least is None:
        return MOOT
    settled(engine, result, "second pass")
    del least["metadata"]["name"], least["metadata"]["labels"]["app.kubernetes.io/name"]
    lacking = differences(without_empty(least), result, "")
    assert not lacking, lacking[:3]


@holds(templates=TEMPLATES, pod=PODS, numbers=st.lists(st.integers(0, 999), min_size=1, max_size=5))
def completes_what_is_missing(engines, templates, pod, numbers):
    """Take members and elements out of an injected pod: they come back."""
    engine, least = engines.of(templates), bare(pod)
    _, result = inject(engine, least)
    if result is None:
        return MOOT
    answer, again = inject(engine, worn(result, numbers))
    if again is None:
        assert all(cause["field"].startswith("spec.volumes") for cause in answer.denial["details"]["causes"]), answer.denial # a claim's name is now an emptyDir's
        return MOOT
    settled(engine, again, "second pass")
    lacking = [line for line in differences(result, again, "") if "emptyDir" not in line] # a volume without a source is one
    assert not lacking, lacking[:3]


@holds(templates=TEMPLATES, pod=PODS)
def quiet_about_defaults(engines, templates, pod):
    """What an API server and a LimitRange have filled into a bare pod is no value of the client's: no warning says that it gave way."""
    engine, least = engines.of(templates), bare(pod)
    _, result = inject(engine, least)
    if result is None:
        return MOOT
    least["spec"]["containers"][0]["image"] = agent_of(result)["image"]
    for filled in (sent_again(least), sent_again(limited(least)), limited(sent_again(least))):
        answer, _ = inject(engine, filled)
        noise = [warning for warning in answer.warnings if "replaced" in warning]
        assert not noise, noise


@holds(templates=strategy(crossing_templates), pod=strategy(crossing_pod))
def env_in_order(engines, templates, pod):
    """No managed name twice, and a $(NAME) behind its definition, unless they go in a circle; the client's entries don't move, but ours stand
    before them where they may."""
    _, result = inject(engines.of(templates), pod)
    if result is None:
        return MOOT
    ours = engine_env(engines, templates, pod)
    check_env(agent_of(result), ours)
    check_their_references(agent_of(result), ours)
    settled(engines.of(templates), result, "second pass")


@holds(templates=TEMPLATES, who=strategy(identity))
def says_who_it_is(engines, templates, who):
    """The raw names arrive in the container as they are: kubelet expands $(...), so they must not hold any."""
    rig, role, agent = who
    _, result = inject(engines.of(templates), bare({"metadata": identity_metadata(*who)}))
    if result is None:
        return MOOT
    env = {entry["name"]: entry.get("value", "") for entry in agent_of(result)["env"]}
    seen = {name: expand(value, env) for name, value in env.items()}
    want = {"GT_ROLE": role, "GT_RIG": rig or "town", "GT_AGENT": agent, "BEADS_AGENT_NAME": f"{rig or 'town'}/{agent}",
            "BD_ACTOR": role if role in ("mayor", "deacon") else agent}
    for name, value in want.items():
        assert seen[name] == value, f"{name} is {seen[name]!r} for the container"


# ---- layers ----

OPEN = {"eventOverrides": EVENTS}


@holds(templates=strategy(template_set, policy=OPEN), event=strategy(pod_template), role=st.sampled_from(["crew", "polecat", "witness"]))
def layers_as_modelled(engines, templates, event, role):
    """A second implementation of the merge rules comes to the same fields, with an event's template on top of all layers."""
    metadata = identity_metadata(RIG, role, "toast")
    metadata["annotations"]["event.gastown.io/template"] = json.dumps(event)
    answer, result = inject(engines.of(templates), {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": []}})
    if result is None:
        assert not event or answer.denial["code"] in (403, 422), answer.denial
        return MOOT
    want = model.resolve(model.layers_of(templates, RIG, role, event))
    spec, agent = result["spec"], agent_of(result)
    assert agent["image"] == want["image"][""]
    for field, have in (("labels", result["metadata"]["labels"]), ("annotations", result["metadata"]["annotations"]), ("nodeSelector", spec.get("nodeSelector", {}))):
        own = {key: value for key, value in have.items() if "gastown.io/" not in key and key != "app.kubernetes.io/name"}
        assert own == want[field], f"{field}: {own} instead of {want[field]}"
    have = {f"{side}.{name}": value for side, amounts in agent.get("resources", {}).items() for name, value in amounts.items()}
    assert have == want["resources"], f"resources: {have} instead of {want['resources']}"
    for field in ("terminationGracePeriodSeconds", "priorityClassName", "tolerations"):
        assert spec.get(field) in (want[field].get(""), *([None] if want[field].get("") == [] else [])), f"{field}: {spec.get(field)} instead of {want[field]}"
    env = env_by_name(agent)
    for name, entry in want["env"].items():
        secret = "secretKeyRef" in env.get(name, {}).get("valueFrom", {})
        assert env.get(name) == entry or secret, f"env {name}: {env.get(name)} instead of {entry}"


# ---- the program's other faces ----

@holds(templates=TEMPLATES, pod=PODS)
def commands_agree(engines, templates, pod):
    """`render` and `explain` come from the record that the review comes from: same patch, same pod, same replaced fields."""
    if "\\u0000" in json.dumps(pod):
        return MOOT # no YAML has it
    engine = engines.of(templates)
    answer, result = inject(engine, pod)
    text = json.dumps(pod).encode()
    rendered = run_command(engine, ["render", "-o", "json"], text, answer.allowed)
    patch = run_command(engine, ["render", "-o", "patch"], text, answer.allowed)
    rows = run_command(engine, ["explain", "-o", "json"], text, answer.allowed)
    if result is None:
        return MOOT
    assert rendered == result, "render prints another pod"
    assert patch == answer.patch, "render prints another patch"
    replaced = {row["field"] for row in rows if row["action"] == "replace"}
    unsaid = [field for field in replaced if not any(warning.startswith(field[:60]) for warning in answer.warnings)]
    assert not unsaid or len(answer.warnings) == 20, f"{unsaid} replaced without a warning"
    invented = [warning for warning in answer.warnings if " replaced by " in warning and warning.split(": ")[0] not in replaced]
    assert not invented, invented
    for row in rows:
        assert row["from"] and row["field"], row
        assert row["action"] != "set" or "was" not in row, row


def run_command(engine, command, text, good):
    done = subprocess.run([engine.program, *command, "-t", engine.folder, "-n", "gastown"], input=text, capture_output=True, timeout=30)
    assert done.returncode == (0 if good else 1), f"{command[0]}: status {done.returncode}: {done.stderr.decode('utf-8', 'replace')[-500:]}"
    return json.loads(done.stdout) if good else None


# ---- what must never happen ----

VIOLATIONS = {
    "spec.hostNetwork": lambda pod: pod["spec"].update(hostNetwork=True),
    "spec.hostPID": lambda pod: pod["spec"].update(hostPID=True),
    "spec.hostIPC": lambda pod: pod["spec"].update(hostIPC=True),
    "spec.volumes[bad].hostPath": lambda pod: pod["spec"].setdefault("volumes", []).append({"name": "bad", "hostPath": {"path": "/"}}),
    "spec.containers[bad].securityContext.privileged": lambda pod: extra(pod, securityContext={"privileged": True}),
    "spec.containers[bad].securityContext.runAsUser": lambda pod: extra(pod, securityContext={"runAsUser": 0}),
    "spec.containers[bad].ports[0].hostPort": lambda pod: extra(pod, ports=[{"containerPort": 1, "hostPort": 1}]),
    "spec.containers[bad].securityContext.capabilities.add[0]": lambda pod: extra(pod, securityContext={"capabilities": {"add": ["SYS_ADMIN"]}}),
    "spec.containers[agent].securityContext.runAsUser": lambda pod: own(pod, runAsUser=0),
    "spec.containers[agent].securityContext.privileged": lambda pod: own(pod, privileged=True),
    "spec.containers[agent].securityContext.capabilities.add[0]": lambda pod: own(pod, capabilities={"add": ["SYS_PTRACE"]}),
    "spec.containers[bad].image": lambda pod: extra(pod, image="evil.example/x:1"),
    "metadata.annotations[kubernetes.io/config.mirror]": lambda pod: pod["metadata"].setdefault("annotations", {}).update({"kubernetes.io/config.mirror": "x"}),
    "metadata.annotations[gastown.io/raw-agent]": lambda pod: pod["metadata"].setdefault("annotations", {}).update({"gastown.io/raw-agent": "forged"}),
}


def extra(pod, **members):
    pod["spec"]["containers"].append({"name": "bad", "image": "ghcr.io/acme/x:1", **members})


def own(pod, **security):
    if "agent" not in names(pod["spec"]["containers"]):
        pod["spec"]["containers"].append({"name": "agent", "image": "ghcr.io/acme/x:1"})
    agent_of(pod).setdefault("securityContext", {}).update(security)


@holds(templates=strategy(template_set, policy={"imageAllowlist": ALLOWLIST, "eventOverrides": EVENTS}), pod=PODS, violation=st.sampled_from(sorted(VIOLATIONS)))
def never_slips_through(engines, templates, pod, violation):
    """Each kind of violation, put into any pod, is denied with its field, before and after an injection."""
    engine = engines.of(templates)
    if "runAsUser" in json.dumps(templates) or "capabilities" in json.dumps(templates):
        return MOOT # what a template sets replaces the client's
    _, result = inject(engine, pod)
    for victim in (pod, result):
        if victim is None:
            continue
        bad = copied(victim)
        VIOLATIONS[violation](bad)
        answer = check_answer(engine.review(bad))
        assert answer.allowed is False, f"{violation} is allowed"
        fields = [cause["field"] for cause in answer.denial["details"]["causes"]]
        identity = any(field.startswith("metadata.") for field in fields) # then nothing else was looked at
        assert violation in fields or identity, f"{violation} is not among {fields}"


@holds(templates=TEMPLATES, pod=PODS, damage=strategy(damage))
def survives_junk(engines, templates, pod, damage):
    """Any type anywhere: the answer is a valid one; if there is a patch it applies, and twice is once."""
    engine = engines.of(templates)
    spoiled = spoil(pod, damage)
    answer = check_answer(engine.review(spoiled))
    if answer.allowed and answer.patch:
        result = rfc6902.apply(spoiled, answer.patch)
        again = check_answer(engine.review(result))
        assert again.allowed and not again.patch, f"second pass: {again.patch or again.denial}"


@holds(line=strategy(junk_line), kind=st.sampled_from(["", "review"]))
def answers_anything(engines, line, kind):
    """Any bytes: one line with an answer."""
    if kind == "review":
        line = b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":' + line + b"}"
    templates = [{"apiVersion": "gastown.io/v1alpha1", "kind": "GasTown", "metadata": {"name": "main"}, "spec": {"defaults": {"image": "a:1"}}}]
    answer = Answer(engines.of(templates).ask(line))
    check_answer(answer, answer.response.get("uid"))
