#include "certs/publish.h"

#include "lib/base/hash.h"

static const struct {
    const gt_kube_kind *kind;
    const char *name;
} kinds[GT_REGISTRATION_KINDS] = {
    [GT_REGISTRATION_MUTATING] = {&gt_kube_mutating, "MutatingWebhookConfiguration"},
    [GT_REGISTRATION_VALIDATING] = {&gt_kube_validating, "ValidatingWebhookConfiguration"},
};

static gt_value *entry_value(gt_arena *arena, const char *name, gt_str encoded)
{
    gt_value *entry = gt_value_object(arena), *client = gt_value_object(arena);
    gt_value_put(arena, client, "caBundle", gt_value_string(arena, encoded));
    gt_value_put(arena, entry, "name", gt_value_text(arena, name));
    gt_value_put(arena, entry, "clientConfig", client);
    return entry;
}

bool gt_publish_request(gt_arena *arena, const gt_observed_state *observed, gt_registration_kind kind, const char *name,
                        gt_str bundle, gt_kube_request *request)
{
    gt_value *object = gt_value_object(arena), *meta = gt_value_object(arena), *webhooks = gt_value_array(arena);
    gt_buf encoded;
    gt_buf_init(&encoded, arena, bundle.len / 3 * 4 + 8);
    gt_base64(&encoded, bundle);
    for (size_t i = 0; i < GT_ENTRY_COUNT; i++)
        if (gt_entries[i].kind == kind && observed->entries[i].present)
            gt_value_push(webhooks, entry_value(arena, gt_entries[i].name, gt_buf_slice(&encoded)));
    if (webhooks->count == 0)
        return false;
    gt_value_put(arena, meta, "name", gt_value_text(arena, name));
    gt_value_put(arena, object, "apiVersion", gt_value_text(arena, "admissionregistration.k8s.io/v1"));
    gt_value_put(arena, object, "kind", gt_value_text(arena, kinds[kind].name));
    gt_value_put(arena, object, "metadata", meta);
    gt_value_put(arena, object, "webhooks", webhooks);
    *request = gt_kube_apply_request(arena, kinds[kind].kind, NULL, name, NULL, GT_PUBLISH_MANAGER, object);
    return true;
}
