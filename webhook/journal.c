#include "webhook/journal.h"

#include "lib/base/log.h"

enum { MOST_FIELDS = 24 };

typedef struct line {
    gt_field fields[MOST_FIELDS]; /* the last one stays empty: the end */
    size_t n;
} line;

static void text(line *l, const char *key, gt_str value)
{
    if (value.len > 0)
        l->fields[l->n++] = GT_FS(key, value);
}

static void number(line *l, const char *key, int64_t value)
{
    l->fields[l->n++] = GT_FI(key, value);
}

void gt_journal_review(const gt_journal_entry *entry)
{
    const gt_reply *reply = entry->reply;
    const gt_about *about = &reply->about;
    gt_log_level level = reply->outcome == GT_OUTCOME_FAILED ? GT_LOG_ERROR : GT_LOG_INFO;
    if (!gt_log_enabled(level))
        return;
    line l;
    l.n = 0;
    text(&l, "uid", reply->uid);
    text(&l, "path", gt_str_of(gt_path_name(entry->path)));
    text(&l, "operation", about->operation);
    text(&l, "namespace", about->ns);
    text(&l, about->generated ? "generate_name" : "name", about->name);
    text(&l, "rig", about->rig);
    text(&l, "role", about->role);
    text(&l, "agent", about->agent);
    text(&l, "user", about->user);
    if (about->dry_run)
        text(&l, "dry_run", GT_STR("true"));
    text(&l, "outcome", gt_str_of(gt_outcome_name(reply->outcome)));
    number(&l, "code", reply->denied_code != 0 ? reply->denied_code : reply->status);
    text(&l, "reason", reply->reason);
    number(&l, "duration_us", entry->duration_us);
    number(&l, "patch_bytes", (int64_t)reply->patch_bytes);
    number(&l, "warnings", (int64_t)reply->warnings);
    number(&l, "generation", (int64_t)entry->generation);
    if (gt_log_enabled(GT_LOG_DEBUG)) {
        number(&l, "budget_us", entry->budget_us);
        number(&l, "body_bytes", (int64_t)entry->body_bytes);
        number(&l, "answer_bytes", (int64_t)reply->body.len);
        number(&l, "operations", (int64_t)reply->operations);
    }
    l.fields[l.n].key = NULL;
    gt_log_fields(level, "review", l.fields);
}
