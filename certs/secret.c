#include "certs/secret.h"

#include "lib/base/hash.h"

typedef struct part {
    const char *key;
    size_t offset;
} part;

static const part parts[] = {
#define GT_ROW(member, name) {name, offsetof(gt_secret, member)},
    GT_SECRET_PARTS(GT_ROW)
#undef GT_ROW
};
enum { PARTS = sizeof parts / sizeof *parts };

static gt_str *part_of(gt_secret *secret, size_t i)
{
    return (gt_str *)(void *)((char *)secret + parts[i].offset);
}

static gt_str value_of(const gt_secret *secret, size_t i)
{
    return *(const gt_str *)(const void *)((const char *)secret + parts[i].offset);
}

static gt_str keep(gt_arena *arena, gt_view text)
{
    gt_str s = gt_view_str(text);
    return (gt_str){gt_arena_dup(arena, s.at == NULL ? "" : s.at, s.len), s.len};
}

bool gt_secret_read(gt_arena *arena, gt_view object, gt_secret *secret, gt_err *err)
{
    gt_view meta = gt_view_get(object, "metadata"), annotations = gt_view_get(meta, "annotations");
    gt_view data = gt_view_get(object, "data");
    *secret = (gt_secret){.exists = true,
                          .renew = keep(arena, gt_view_get(annotations, GT_SECRET_RENEW)),
                          .owner = keep(arena, gt_view_get(annotations, "cert-manager.io/certificate-name")),
                          .type = keep(arena, gt_view_get(object, "type")),
                          .version = keep(arena, gt_view_get(meta, "resourceVersion"))};
    for (size_t i = 0; i < PARTS; i++) {
        gt_str encoded = gt_view_str(gt_view_get(data, parts[i].key));
        if (encoded.len > GT_SECRET_PART_MAX)
            return gt_fail(err, GT_ERR_INPUT, "%s has more than %d KiB", parts[i].key, GT_SECRET_PART_MAX / 1024);
        if (encoded.len > 0 && !gt_base64_decode(arena, encoded, part_of(secret, i)))
            return gt_fail(err, GT_ERR_INPUT, "%s isn't base64", parts[i].key);
    }
    return true;
}

static gt_value *encoded(gt_arena *arena, gt_str text)
{
    gt_buf buf;
    gt_buf_init(&buf, arena, text.len / 3 * 4 + 8);
    gt_base64(&buf, text);
    return gt_value_string(arena, gt_buf_slice(&buf));
}

/* tls.crt and tls.key must be there, for the type; what else is empty isn't there. */
static gt_value *part_value(gt_arena *arena, const gt_secret *before, size_t i, gt_str text)
{
    bool required = i < 2;
    return text.len > 0 || required || !before->exists ? encoded(arena, text) : gt_value_null(arena);
}

gt_value *gt_secret_change(gt_arena *arena, const char *name, const gt_secret *before, const gt_secret *after)
{
    gt_value *object = gt_value_object(arena), *meta = gt_value_object(arena), *data = gt_value_object(arena);
    for (size_t i = 0; i < PARTS; i++) {
        gt_str text = value_of(after, i);
        bool wanted = before->exists ? !gt_str_eq(text, value_of(before, i)) : text.len > 0 || i < 2;
        if (wanted)
            gt_value_put(arena, data, parts[i].key, part_value(arena, before, i, text));
    }
    if (before->exists) {
        gt_value_put(arena, meta, "resourceVersion", gt_value_string(arena, before->version));
    } else {
        gt_value *labels = gt_value_object(arena);
        gt_value_put(arena, labels, "app.kubernetes.io/part-of", gt_value_text(arena, "gastown"));
        gt_value_put(arena, meta, "name", gt_value_text(arena, name));
        gt_value_put(arena, meta, "labels", labels);
        gt_value_put(arena, object, "apiVersion", gt_value_text(arena, "v1"));
        gt_value_put(arena, object, "kind", gt_value_text(arena, "Secret"));
        gt_value_put(arena, object, "type", gt_value_text(arena, "kubernetes.io/tls"));
    }
    if (!gt_str_eq(before->renew, after->renew)) {
        gt_value *annotations = gt_value_object(arena);
        gt_value_put(arena, annotations, GT_SECRET_RENEW,
                     after->renew.len > 0 ? gt_value_string(arena, after->renew) : gt_value_null(arena));
        gt_value_put(arena, meta, "annotations", annotations);
    }
    gt_value_put(arena, object, "metadata", meta);
    gt_value_put(arena, object, "data", data);
    return object;
}

void gt_secret_wipe(gt_secret *secret)
{
    gt_certs_wipe(secret->leaf.key);
    gt_certs_wipe(secret->authority.key);
    gt_certs_wipe(secret->next.key);
    secret->leaf.key = secret->authority.key = secret->next.key = (gt_str){NULL, 0};
}
