/* What is there, and whether it's what we ship. */
#include "injector/crd.h"
#include "lib/base/hash.h"
#include "webhook/check.h"
#include "webhook/compare.h"

enum { NEEDED_MAJOR = 1, NEEDED_MINOR = 34, MOST_DIFFERENCES = 8 };

static const gt_kube_kind definitions = {"apiextensions.k8s.io", "v1", "customresourcedefinitions"};

#define APPLY_DEFINITIONS "gastown-inject crds | kubectl apply --server-side -f -"
#define APPLY                                                                                                          \
    "gastown-webhook registration | kubectl apply --server-side --force-conflicts -f - (with the same settings)"
#define UPGRADE_INJECTOR "upgrade cert-manager to 1.12 or newer, then " APPLY

/* ---- the API server ---- */

/* "34", "34+" of some vendors: its digits. */
static bool number(gt_view text, int64_t *value)
{
    gt_str s = gt_view_str(text);
    while (s.len > 0 && (s.at[s.len - 1] < '0' || s.at[s.len - 1] > '9'))
        s.len--;
    return gt_str_number(s, 0, 1000000, value);
}

bool gt_survey_version(gt_survey *check, gt_err *err)
{
    const gt_kube_request request = {.method = "GET", .path = "/version"};
    gt_kube_answer answer;
    int64_t major, minor;
    gt_str what = GT_STR("Kubernetes");
    if (!gt_kube_do(check->client, check->arena, &request, &answer, err))
        return false;
    gt_str text = gt_view_str(gt_view_get(answer.object, "gitVersion"));
    if (!number(gt_view_get(answer.object, "major"), &major) || !number(gt_view_get(answer.object, "minor"), &minor))
        gt_survey_add(check, GT_VERDICT_UNKNOWN, what, "1.34 or newer is needed",
                      "says no version that can be read: %.*s", GT_STR_ARG(text));
    else if (major < NEEDED_MAJOR || (major == NEEDED_MAJOR && minor < NEEDED_MINOR))
        gt_survey_add(check, GT_VERDICT_FAIL, what, "upgrade to 1.34 or newer: older ones don't take the CRDs", "%.*s",
                      GT_STR_ARG(text));
    else
        gt_survey_add(check, GT_VERDICT_OK, what, NULL, "%.*s", GT_STR_ARG(text));
    return true;
}

/* ---- differences ---- */

/* A row for each field that differs; false: none does. */
static bool tell(gt_survey *check, gt_verdict verdict, gt_str what, const char *todo, const gt_value *shipped,
                 const gt_value *found)
{
    const gt_difference *all = gt_compare(check->arena, shipped, found);
    size_t left = 0;
    for (const gt_difference *d = all; d != NULL; d = d->next) {
        size_t rows = left++;
        if (rows < MOST_DIFFERENCES)
            gt_survey_add(check, verdict, what, todo, "%.*s is %.*s, shipped is %.*s", GT_STR_ARG(d->path),
                          GT_STR_ARG(d->found), GT_STR_ARG(d->shipped));
    }
    if (left > MOST_DIFFERENCES)
        gt_survey_add(check, verdict, what, todo, "and %zu more", left - MOST_DIFFERENCES);
    return all != NULL;
}

static gt_str joined(const gt_survey *check, const char *plural, const char *name)
{
    return gt_str_of(gt_arena_printf(check->arena, "%s/%s", plural, name));
}

/* ---- CRDs ---- */

static bool is_true(const gt_value *object, const char *type)
{
    GT_VALUE_EACH (condition, gt_value_get(gt_value_get(object, "status"), "conditions"))
        if (gt_value_is(gt_value_get(condition, "type"), type))
            return gt_value_is(gt_value_get(condition, "status"), "True");
    return false;
}

static bool is_served(const gt_value *object)
{
    GT_VALUE_EACH (version, gt_value_get(gt_value_get(object, "spec"), "versions"))
        if (gt_value_is(gt_value_get(version, "name"), GT_API_VERSION_NAME))
            return gt_value_true(gt_value_get(version, "served"));
    return false;
}

static void check_definition(gt_survey *check, const gt_crd *crd)
{
    gt_value *found;
    const char *name = gt_arena_printf(check->arena, "%s." GT_API_GROUP, crd->plural);
    gt_str what = gt_str_of(gt_arena_printf(check->arena, "crd/%s", name));
    gt_survey_found there = gt_survey_get(check, &definitions, NULL, name, what, &found);
    if (there == GT_FOUND_UNKNOWN)
        return;
    if (there == GT_FOUND_NOT)
        gt_survey_add(check, GT_VERDICT_FAIL, what, APPLY_DEFINITIONS, "isn't there");
    else if (!is_served(found))
        gt_survey_add(check, GT_VERDICT_FAIL, what, APPLY_DEFINITIONS, "doesn't serve " GT_API_VERSION_NAME);
    else if (!is_true(found, "Established"))
        gt_survey_add(check, GT_VERDICT_FAIL, what, "kubectl describe says why", "isn't established");
    else if (!tell(check, GT_VERDICT_WARN, what, APPLY_DEFINITIONS, gt_crd_make(check->arena, crd), found))
        gt_survey_add(check, GT_VERDICT_OK, what, NULL, "as shipped with " GT_VERSION);
}

void gt_survey_definitions(gt_survey *check)
{
    for (int i = 0; i < GT_CRD_COUNT && !check->silent; i++)
        check_definition(check, &gt_crds[i]);
}

/* ---- the registration ---- */

/* What the API server's CEL compiler has to say of the policy. */
static bool tell_types(gt_survey *check, gt_str what, const gt_value *found)
{
    const gt_value *warnings =
        gt_value_get(gt_value_get(gt_value_get(found, "status"), "typeChecking"), "expressionWarnings");
    GT_VALUE_EACH (warning, warnings)
        gt_survey_add(check, GT_VERDICT_FAIL, what, "this API server's CEL is another one: report it", "%.*s: %.*s",
                      GT_STR_ARG(gt_value_str(gt_value_get(warning, "fieldRef"))),
                      GT_STR_ARG(gt_value_str(gt_value_get(warning, "warning"))));
    return warnings != NULL && warnings->count > 0;
}

/* The first entry of that name: a second one the API server refuses. */
static const gt_value *entry_of(const gt_value *object, gt_str name)
{
    GT_VALUE_EACH (entry, gt_value_get(object, "webhooks"))
        if (gt_str_eq(gt_value_str(gt_value_get(entry, "name")), name))
            return entry;
    return NULL;
}

static void take_bundles(gt_survey *check, gt_registration_kind kind, const gt_value *object)
{
    for (int i = 0; i < GT_ENTRY_COUNT; i++) {
        const gt_value *entry = entry_of(object, gt_str_of(gt_entries[i].name));
        if (gt_entries[i].kind != kind || entry == NULL)
            continue;
        gt_str text = gt_value_str(gt_value_get(gt_value_get(entry, "clientConfig"), "caBundle"));
        check->bundle_known[i] = true;
        if (!gt_base64_decode(check->arena, text, &check->bundles[i]))
            check->bundles[i] = text; /* which is no PEM either, and is said to be none */
    }
}

/* Whether cert-manager writes to the object. */
static bool is_injected(const gt_value *object)
{
    GT_VALUE_EACH (annotation, gt_value_get(gt_value_get(object, "metadata"), "annotations"))
        if (gt_str_starts(annotation->key, GT_INJECT_PREFIX))
            return true;
    return false;
}

/* A cainjector that doesn't know matchConditions drops them whenever it writes a bundle, so again after each apply: no mistake of whoever
 * applied them. Told here, they are taken out of what is to be compared. False: none is missing. */
static bool tell_dropped(gt_survey *check, gt_str what, gt_value *shipped, const gt_value *found)
{
    static const char member[] = "matchConditions";
    bool any = false;
    gt_value *list = shipped->first;
    while (list != NULL && !gt_str_is(list->key, "webhooks"))
        list = list->next;
    for (gt_value *entry = list == NULL ? NULL : list->first; entry != NULL; entry = entry->next) {
        gt_str name = gt_value_str(gt_value_get(entry, "name"));
        const gt_value *theirs = entry_of(found, name);
        if (gt_value_get(entry, member) == NULL || theirs == NULL || gt_value_get(theirs, member) != NULL)
            continue;
        gt_value_put(check->arena, entry, member, gt_value_array(check->arena));
        gt_survey_add(
            check, GT_VERDICT_WARN, what, UPGRADE_INJECTOR,
            "%.*s has lost its matchConditions, as by a cainjector of cert-manager older than 1.12: what they "
            "leave out is sent, too, and refused while no replica answers",
            GT_STR_ARG(name));
        any = true;
    }
    return any;
}

static void check_one(gt_survey *check, gt_registered which)
{
    gt_value *found;
    const gt_registered_row *row = &gt_registered_rows[which];
    const char *name = check->registration->name;
    gt_str what = joined(check, row->resource->plural, name);
    gt_survey_found there = gt_survey_get(check, row->resource, NULL, name, what, &found);
    if (there == GT_FOUND_NOT)
        gt_survey_add(check, GT_VERDICT_FAIL, what, APPLY, "isn't there");
    if (there != GT_FOUND)
        return;
    if (which == GT_REGISTERED_MUTATING || which == GT_REGISTERED_VALIDATING)
        take_bundles(check, which == GT_REGISTERED_MUTATING ? GT_REGISTRATION_MUTATING : GT_REGISTRATION_VALIDATING,
                     found);
    gt_value *shipped = gt_registration_make(check->arena, check->registration, which);
    bool wrong = is_injected(found) && tell_dropped(check, what, shipped, found);
    wrong = tell(check, GT_VERDICT_FAIL, what, APPLY, shipped, found) || wrong;
    wrong = (which == GT_REGISTERED_POLICY && tell_types(check, what, found)) || wrong;
    if (!wrong)
        gt_survey_add(check, GT_VERDICT_OK, what, NULL, "as shipped");
}

void gt_survey_registered(gt_survey *check)
{
    for (int i = 0; i < GT_REGISTERED_COUNT && !check->silent; i++)
        check_one(check, (gt_registered)i);
}
