#include "tests/fuzz/fuzz.h"

#include "injector/validate.h"
#include "lib/base/show.h"
#include "lib/kube/file.h"
#include "lib/yaml/yaml.h"

gt_str fuzz_file(gt_arena *arena, const char *path)
{
    gt_str text;
    gt_err err;
    FUZZ_CHECK(gt_kube_read_file(arena, path, 1 << 20, &text, &err), "%s (run it from the top folder)", err.text);
    return text;
}

gt_snapshot *fuzz_town(void)
{
    gt_arena *arena = gt_arena_new(0);
    gt_yaml_docs docs;
    gt_snapshot *snapshot = NULL;
    gt_err err;
    FUZZ_CHECK(arena != NULL, "out of memory");
    FUZZ_CHECK(gt_yaml_load(arena, fuzz_file(arena, FUZZ_TOWN), &docs, &err), "%s", err.text);
    gt_document *documents = GT_NEW_N(arena, gt_document, docs.count);
    for (size_t i = 0; i < docs.count; i++)
        documents[i] = (gt_document){GT_STR("town.yaml"), docs.at[i]};
    FUZZ_CHECK(gt_snapshot_build(arena, documents, docs.count, GT_CLAIMS_EQUAL, &snapshot, &err), "%s", err.text);
    return snapshot;
}

gt_view fuzz_json(gt_arena *arena, gt_str text, const char *what)
{
    gt_view view;
    gt_err err;
    FUZZ_CHECK(gt_view_parse(arena, text, GT_VIEW_MAX_DEPTH, &view, &err), "%s: %s: %.*s", what, err.text,
               GT_STR_ARG(text));
    return view;
}

gt_str fuzz_print(gt_arena *arena, const gt_value *value)
{
    gt_buf buf;
    gt_buf_init(&buf, arena, 4096);
    gt_value_print(&buf, value);
    return gt_buf_slice(&buf);
}

/* ---- JSON Patch ---- */

/* A step of a pointer without its escapes. */
static gt_str unescaped(gt_arena *arena, gt_str step)
{
    gt_buf buf;
    gt_buf_init(&buf, arena, step.len);
    for (size_t i = 0; i < step.len; i++) {
        bool escape = step.at[i] == '~' && i + 1 < step.len;
        gt_buf_byte(&buf, !escape ? step.at[i] : step.at[++i] == '0' ? '~' : '/');
    }
    return gt_buf_slice(&buf);
}

/* The child that a step names, NULL when there's none; *before is what it stands behind, for an array's end, too. */
static gt_value *child_at(const gt_value *parent, gt_str step, gt_value **before)
{
    int64_t index = INT64_MAX, i = 0;
    bool array = parent->type == GT_VALUE_ARRAY;
    FUZZ_CHECK(array || parent->type == GT_VALUE_OBJECT, "%.*s below a scalar", GT_STR_ARG(step));
    FUZZ_CHECK(!array || gt_str_is(step, "-") || gt_str_number(step, 0, parent->count, &index), "%.*s is no index",
               GT_STR_ARG(step));
    *before = NULL;
    for (gt_value *child = parent->first; child != NULL; *before = child, child = child->next)
        if (array ? i++ == index : gt_str_eq(child->key, step))
            return child;
    return NULL;
}

static void put(gt_value *parent, gt_value *before, gt_value *child)
{
    gt_value **link = before == NULL ? &parent->first : &before->next;
    child->next = *link;
    *link = child;
    if (child->next == NULL)
        parent->last = child;
    parent->count++;
}

static void take_out(gt_value *parent, gt_value *before, const gt_value *child)
{
    *(before == NULL ? &parent->first : &before->next) = child->next;
    if (parent->last == child)
        parent->last = before;
    parent->count--;
}

static bool carry_out(gt_arena *arena, gt_value *document, gt_view operation)
{
    gt_str op = gt_view_str(gt_view_get(operation, "op")), path = gt_view_str(gt_view_get(operation, "path"));
    gt_value *node = document, *parent = NULL, *before = NULL, *value = NULL;
    gt_str step = {"", 0};
    gt_err err;
    FUZZ_CHECK(path.len > 1 && path.at[0] == '/', "path %.*s", GT_STR_ARG(path));
    for (const char *at = path.at; at < path.at + path.len; at += 1 + step.len) {
        size_t left = (size_t)(path.at + path.len - at) - 1;
        const char *slash = memchr(at + 1, '/', left);
        step = (gt_str){at + 1, slash == NULL ? left : (size_t)(slash - at) - 1};
        FUZZ_CHECK(node != NULL, "path %.*s leads to nowhere", GT_STR_ARG(path));
        parent = node;
        node = child_at(parent, unescaped(arena, step), &before);
    }
    bool add = gt_str_is(op, "add"), remove = gt_str_is(op, "remove");
    FUZZ_CHECK(add || remove || gt_str_is(op, "replace"), "op %.*s", GT_STR_ARG(op));
    FUZZ_CHECK(add || node != NULL, "%.*s of %.*s, which isn't there", GT_STR_ARG(op), GT_STR_ARG(path));
    if (node != NULL && (!add || parent->type == GT_VALUE_OBJECT))
        take_out(parent, before, node);
    if (remove)
        return true;
    FUZZ_CHECK(gt_view_type_of(gt_view_get(operation, "value")) != GT_VIEW_MISSING, "no value at %.*s",
               GT_STR_ARG(path));
    if (!gt_value_from_view(arena, gt_view_get(operation, "value"), &value, &err))
        return false;
    value->key = parent->type == GT_VALUE_OBJECT ? unescaped(arena, step) : (gt_str){NULL, 0};
    put(parent, before, value);
    return true;
}

bool fuzz_patch(gt_arena *arena, gt_value *document, gt_view operations)
{
    GT_VIEW_EACH (operation, operations)
        if (!carry_out(arena, document, operation))
            return false;
    return true;
}

/* ---- answers ---- */

/* Text for people, of one line: nothing in it that a terminal or a log obeys. */
static void check_line(gt_str text, const char *what)
{
    bool control = gt_str_utf8_len(text) < text.len;
    for (size_t i = 0; i < text.len; i++)
        control = control || (unsigned char)text.at[i] < ' ' || text.at[i] == 0x7f;
    FUZZ_CHECK(!control, "%s: %.*s", what, GT_STR_ARG(text));
}

static gt_view patch_of(gt_arena *arena, gt_view response)
{
    gt_str json;
    FUZZ_CHECK(gt_view_is(gt_view_get(response, "patchType"), "JSONPatch"), "patchType");
    FUZZ_CHECK(gt_base64_decode(arena, gt_view_str(gt_view_get(response, "patch")), &json), "base64");
    gt_view patch = fuzz_json(arena, json, "the patch");
    FUZZ_CHECK(gt_view_type_of(patch) == GT_VIEW_ARRAY, "the patch is no array");
    return patch;
}

static void check_denial(gt_view response, const gt_reply *reply)
{
    int64_t code = 0;
    gt_view status = gt_view_get(response, "status");
    gt_view causes = gt_view_get(gt_view_get(status, "details"), "causes");
    FUZZ_CHECK(gt_view_int(gt_view_get(status, "code"), &code) && code == reply->denied_code, "code %lld",
               (long long)code);
    FUZZ_CHECK(code == 403 || code == 422, "code %lld", (long long)code);
    FUZZ_CHECK(gt_view_count(causes) > 0, "a denial without a cause");
    FUZZ_CHECK(gt_view_str(gt_view_get(status, "message")).len > 0 && reply->reason.len > 0, "a denial without a word");
    FUZZ_CHECK(gt_view_type_of(gt_view_get(response, "patch")) == GT_VIEW_MISSING, "a denial with a patch");
}

static void check_response(gt_arena *arena, gt_view answer, const gt_reply *reply)
{
    gt_view response = gt_view_get(answer, "response"), allowed = gt_view_get(response, "allowed");
    bool denied = reply->outcome == GT_OUTCOME_DENIED, patched = gt_view_exists(gt_view_get(response, "patch"));
    FUZZ_CHECK(gt_view_is(gt_view_get(answer, "kind"), "AdmissionReview"), "kind");
    FUZZ_CHECK(gt_view_str(gt_view_get(response, "uid")).len > 0, "uid");
    FUZZ_CHECK(gt_view_type_of(allowed) == GT_VIEW_BOOL && gt_view_true(allowed) == !denied, "allowed");
    FUZZ_CHECK(patched == (reply->outcome == GT_OUTCOME_INJECTED), "a patch: %d", patched);
    FUZZ_CHECK(gt_view_count(gt_view_get(response, "warnings")) <= 20, "too many warnings");
    GT_VIEW_EACH (warning, gt_view_get(response, "warnings")) {
        check_line(gt_view_str(warning), "a warning");
        FUZZ_CHECK(gt_show_length(gt_view_str(warning)) <= 120, "a long warning: %s", gt_view_str(warning).at);
    }
    if (denied)
        check_denial(response, reply);
    if (patched)
        FUZZ_CHECK(gt_view_count(patch_of(arena, response)) == reply->operations, "%zu operations", reply->operations);
}

void fuzz_review(gt_arena *arena, const gt_snapshot *snapshot, gt_str body, gt_reply *reply)
{
    enum { BASE = 1 << 20, EACH = 100 }; /* what an answer takes of memory, and what a byte of the review adds */
    int64_t code = 0;
    size_t before = gt_arena_used(arena);
    gt_review_any(arena, snapshot, body, reply);
    size_t used = gt_arena_used(arena) - before;
    FUZZ_CHECK(used <= BASE + EACH * body.len, "%zu bytes of memory for %zu", used, body.len);
    gt_view answer = fuzz_json(arena, reply->body, "the answer");
    check_line(reply->reason, "the reason");
    for (size_t i = 0; i < reply->uid.len; i++)
        FUZZ_CHECK(reply->uid.len <= 64 && reply->uid.at[i] > ' ' && reply->uid.at[i] <= '~', "uid for logs");
    if (reply->status == 200) {
        FUZZ_CHECK(reply->outcome <= GT_OUTCOME_DENIED, "%s", gt_outcome_name(reply->outcome));
        check_response(arena, answer, reply);
        return;
    }
    bool bad = reply->status == 400 || reply->status == 413;
    FUZZ_CHECK(reply->outcome == (bad ? GT_OUTCOME_BAD_REQUEST : GT_OUTCOME_FAILED), "%d is %s", reply->status,
               gt_outcome_name(reply->outcome));
    FUZZ_CHECK(bad || reply->status == 503, "status %d", reply->status); /* 500: no memory is short here */
    FUZZ_CHECK(gt_view_int(gt_view_get(answer, "code"), &code) && code == reply->status, "code");
    FUZZ_CHECK(reply->reason.len > 0, "no reason");
}

void fuzz_second_pass(gt_arena *arena, const gt_snapshot *snapshot, gt_str body, const gt_reply *reply)
{
    gt_value *review;
    gt_err err;
    gt_reply again;
    if (reply->outcome != GT_OUTCOME_INJECTED)
        return;
    if (!gt_value_from_view(arena, fuzz_json(arena, body, "the review"), &review, &err))
        return; /* a number or a NUL that a value doesn't hold */
    gt_view response = gt_view_get(fuzz_json(arena, reply->body, "the answer"), "response");
    gt_value *pod = NULL;
    for (gt_value *member = review->first; member != NULL; member = member->next)
        if (gt_str_is(member->key, "request"))
            for (pod = member->first; pod != NULL && !gt_str_is(pod->key, "object");)
                pod = pod->next;
    FUZZ_CHECK(pod != NULL, "a patch for no object");
    if (!fuzz_patch(arena, pod, patch_of(arena, response)))
        return;
    fuzz_review(arena, snapshot, fuzz_print(arena, review), &again);
    FUZZ_CHECK(again.outcome == GT_OUTCOME_UNCHANGED, "the second pass is %s (%.*s)\nfirst:  %.*s\nsecond: %.*s",
               gt_outcome_name(again.outcome), GT_STR_ARG(again.reason), GT_STR_ARG(reply->body),
               GT_STR_ARG(again.body));
}
