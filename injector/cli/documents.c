/* Pods from files: YAML, JSON, and JSON objects one behind the other, as programs write them (gastown-watcher --dry-run -o json, jq).
 *
 * YAML wants `---` between documents. So a text that isn't YAML but begins with a whole JSON object is read object by object. */
#include "catalogue/report.h"
#include "injector/cli/cluster.h"

typedef struct reader {
    gt_arena *arena;
    const char *file;
    gt_cli_documents *all;
    uint32_t line, column; /* where the text that is being read begins in the file, from 0 */
} reader;

/* ---- what was read ---- */

void gt_cli_documents_add(gt_arena *arena, gt_cli_documents *documents, const gt_value *document)
{
    if (documents->count == documents->room) {
        documents->room = documents->room == 0 ? 16 : documents->room * 2;
        const gt_value **at = GT_NEW_N(arena, const gt_value *, documents->room);
        if (documents->count > 0)
            memcpy(at, documents->at, documents->count * sizeof *at);
        documents->at = at;
    }
    documents->at[documents->count++] = document;
}

static void move_down(gt_value *value, uint32_t lines)
{
    value->line += lines;
    for (gt_value *child = value->first; child != NULL; child = child->next)
        move_down(child, lines);
}

/* Documents, and the items of v1 Lists among them. */
static void add_all(reader *in, const gt_yaml_docs *docs)
{
    for (size_t i = 0; i < docs->count; i++) {
        move_down(docs->at[i], in->line);
        const gt_value *items = gt_value_get(docs->at[i], "items");
        if (items == NULL)
            gt_cli_documents_add(in->arena, in->all, docs->at[i]);
        GT_VALUE_EACH (item, items)
            gt_cli_documents_add(in->arena, in->all, item);
    }
}

static int refuse(const reader *in, const char *problem)
{
    gt_finding finding = gt_finding_unreadable(in->arena, gt_str_of(in->file), problem);
    gt_buf line;
    gt_buf_init(&line, in->arena, 128);
    if (finding.line == 1)
        finding.column += in->column;
    if (finding.line > 0)
        finding.line += in->line;
    gt_finding_print(&line, &finding);
    return gt_cli_complain(GT_EXIT_FINDING, "%s", line.at);
}

/* ---- one JSON object behind the other ---- */

static gt_str rest_of(gt_str text, size_t begin)
{
    return (gt_str){text.at + begin, text.len - begin};
}

/* How long the object is that the text begins with, by its braces alone; 0: it begins with none, or with one that doesn't end. */
static size_t object_len(gt_str text)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && c == '{')
            depth++;
        else if (!quoted && c == '}' && depth > 0 && --depth == 0)
            return i + 1;
        if (depth == 0)
            return 0;
    }
    return 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Goes past bytes, and past blanks behind them. */
static gt_str go_on(reader *in, gt_str text, size_t n)
{
    size_t i = 0;
    for (; i < text.len && (i < n || is_blank(text.at[i])); i++)
        if (text.at[i] == '\n') {
            in->line++;
            in->column = 0;
        } else {
            in->column += ((unsigned char)text.at[i] & 0xc0) != 0x80;
        }
    return rest_of(text, i);
}

static bool are_objects(gt_arena *arena, gt_str text)
{
    size_t n = object_len(text);
    gt_view view;
    gt_err ignored;
    return n > 0 && n < text.len && gt_view_parse(arena, (gt_str){text.at, n}, 0, &view, &ignored);
}

static int read_objects(reader *in, gt_str text)
{
    while (text.len > 0) {
        size_t n = object_len(text);
        n = n == 0 ? text.len : n;
        gt_yaml_docs docs;
        gt_err err;
        if (!gt_yaml_load(in->arena, (gt_str){text.at, n}, &docs, &err))
            return refuse(in, err.text);
        add_all(in, &docs);
        text = go_on(in, text, n);
    }
    return GT_EXIT_OK;
}

/* ---- a file ---- */

static int read_text(reader *in, gt_str text)
{
    gt_yaml_docs docs;
    gt_err err;
    if (gt_yaml_load(in->arena, text, &docs, &err)) {
        add_all(in, &docs);
        return GT_EXIT_OK;
    }
    reader start = *in;
    gt_str objects = go_on(in, text, 0);
    if (are_objects(in->arena, objects))
        return read_objects(in, objects);
    return refuse(&start, err.text);
}

/* ---- pods of a cluster ---- */

static int read_named(gt_arena *arena, const gt_cli *cli, gt_cli_documents *documents)
{
    if (cli->file != NULL)
        return gt_cli_complain(GT_EXIT_USAGE, "--filename and %s exclude each other", cli->words.at[0]);
    int status = GT_EXIT_OK;
    for (size_t i = 0; status == GT_EXIT_OK && i < cli->words.count; i++) {
        const gt_value *pod = NULL;
        status = gt_cli_live_pod(arena, cli->cluster, cli->words.at[i], &pod);
        if (status == GT_EXIT_OK)
            gt_cli_documents_add(arena, documents, gt_cli_bare(arena, pod));
    }
    return status;
}

static int read_file(gt_arena *arena, const gt_cli *cli, gt_cli_documents *documents)
{
    reader in = {.arena = arena, .file = cli->file == NULL ? "-" : cli->file, .all = documents};
    gt_str text;
    gt_err err;
    if (!gt_cli_read(arena, in.file, &text, &err))
        return gt_cli_complain(GT_EXIT_ENVIRONMENT, "%s", err.text);
    int status = read_text(&in, text);
    if (status != GT_EXIT_OK)
        return status;
    for (size_t i = 0; i < documents->count; i++)
        if (!gt_value_is(gt_value_get(documents->at[i], "kind"), "Pod"))
            return gt_cli_complain(GT_EXIT_FINDING, "%s:%u: must be a Pod", in.file, documents->at[i]->line);
    if (documents->count == 0)
        return gt_cli_complain(GT_EXIT_FINDING, "%s: no pod in it", in.file);
    return GT_EXIT_OK;
}

int gt_cli_read_pods(gt_arena *arena, const gt_cli *cli, gt_cli_documents *documents)
{
    *documents = (gt_cli_documents){.count = 0};
    bool named = cli->words.count > 0 && gt_cli_is_pod(cli->words.at[0]); /* diff's words are sets of templates */
    return named ? read_named(arena, cli, documents) : read_file(arena, cli, documents);
}
