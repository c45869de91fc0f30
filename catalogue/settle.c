#include "catalogue/settle.h"

void gt_settling_find(gt_settling *s, gt_finding finding)
{
    s->findings = gt_entries_grown(s->store, s->findings, s->finding_count, &s->finding_room, sizeof finding);
    finding.next = NULL;
    s->findings[s->finding_count++] = finding;
}

void gt_settling_drop(gt_settling *s)
{
    gt_snapshot_free(s->snapshot);
    gt_arena_free(s->arena);
    s->snapshot = NULL;
    s->arena = NULL;
}

/* ---- one round ---- */

static bool build_snapshot(gt_settling *s, gt_err *err)
{
    gt_document *documents = GT_NEW_N(s->store, gt_document, s->entries.count);
    for (size_t i = 0; i < s->entries.count; i++)
        documents[i] = (gt_document){s->entries.at[i].file, s->entries.at[i].value};
    return gt_snapshot_build(s->arena, documents, s->entries.count, s->claims, &s->snapshot, err);
}

static bool build(gt_settling *s, gt_err *err)
{
    gt_settling_drop(s);
    s->arena = gt_arena_new(0);
    if (s->arena == NULL)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    if (!build_snapshot(s, err))
        return false;
    s->arena = NULL; /* the snapshot's now */
    for (size_t i = 0; i < s->entries.count; i++) {
        s->entries.at[i].accepted = gt_snapshot_accepted(s->snapshot, i);
        s->entries.at[i].displaced = false;
    }
    for (const gt_finding *f = gt_snapshot_findings(s->snapshot); f != NULL; f = f->next)
        s->entries.at[f->document].displaced |= f->conflict && !s->entries.at[f->document].accepted;
    return true;
}

/* In the first round everything that is said about what the entries hold; later only errors that a replacement has brought up. */
static void take_findings(gt_settling *s, bool first)
{
    for (const gt_finding *f = gt_snapshot_findings(s->snapshot); f != NULL; f = f->next) {
        const gt_entry *e = &s->entries.at[f->document];
        bool known = f->error ? e->blamed : !first || e->kept;
        if (known || e->value == NULL)
            continue;
        gt_finding copy = *f;
        copy.file = gt_entry_copy_str(s->store, f->file);
        copy.object = gt_entry_copy_str(s->store, f->object);
        copy.field = gt_entry_copy_str(s->store, f->field);
        copy.message = gt_entry_copy_str(s->store, f->message);
        gt_settling_find(s, copy);
    }
    for (const gt_finding *f = gt_snapshot_findings(s->snapshot); f != NULL; f = f->next)
        s->entries.at[f->document].blamed |= f->error;
}

/* ---- between rounds ---- */

static bool wants_another(const gt_entry *e)
{
    return !e->accepted && !e->displaced && e->value != NULL && e->key.len > 0;
}

/* Puts the next good version in the place of what wasn't accepted. false: there was nothing (more) to replace. */
static bool replace(gt_settling *s)
{
    size_t replaced = 0;
    gt_map good; /* keys of which there is a good version in the list */
    gt_map_init(&good, s->store);
    for (size_t i = 0; i < s->entries.count; i++) {
        gt_entry *e = &s->entries.at[i];
        if (e->key.len > 0 && (e->accepted || e->kept))
            gt_map_put(&good, e->key, e);
    }
    for (size_t i = 0; i < s->entries.count; i++) {
        gt_entry *e = &s->entries.at[i];
        if (!wants_another(e))
            continue;
        const gt_entry *other = gt_map_get(&good, e->key);
        if (other != NULL && other != e) {
            e->dropped = true;
        } else if (e->next_good < e->good_count) {
            e->value = gt_value_copy(s->store, e->good[e->next_good++]);
            e->kept = true;
            gt_map_put(&good, e->key, e);
        } else {
            continue;
        }
        replaced++;
    }
    gt_entries_compact(&s->entries);
    s->rejected += replaced;
    return replaced > 0;
}

bool gt_settle(gt_settling *s, gt_err *err)
{
    for (bool first = true;; first = false) {
        if (!build(s, err))
            return false;
        take_findings(s, first);
        if (!replace(s))
            break;
    }
    for (size_t i = 0; i < s->entries.count; i++) {
        gt_entry *e = &s->entries.at[i];
        s->rejected += !e->accepted && !e->kept && e->value != NULL;
        e->good = NULL; /* they are elsewhere, and that may go */
        e->good_count = 0;
    }
    return true;
}
