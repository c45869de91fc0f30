/* What the commands print. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "injector/cli/cli.h"
#include "lib/base/show.h"
#include "lib/yaml/yaml.h"

int gt_cli_complain(int status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("gastown-inject: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return status;
}

void gt_cli_print(gt_arena *arena, const gt_value *value, gt_format format)
{
    gt_buf out;
    gt_buf_init(&out, arena, 4096);
    if (format == GT_FORMAT_YAML)
        gt_yaml_print(&out, value, 0);
    else
        gt_value_pretty(&out, value, 0);
    if (out.len > 0 && out.at[out.len - 1] != '\n')
        gt_buf_byte(&out, '\n');
    fwrite(out.at, 1, out.len, stdout);
}

/* ---- colour ---- */

/* https://no-color.org: set and not empty means no. */
static bool has_colours(void)
{
    const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') && terminal != NULL && strcmp(terminal, "dumb") != 0;
}

void gt_cli_line(gt_style style, gt_str line)
{
    static const char *const codes[] = {[GT_STYLE_PLAIN] = "",
                                        [GT_STYLE_HEAD] = "\033[1m",
                                        [GT_STYLE_ERROR] = "\033[31m",
                                        [GT_STYLE_WARNING] = "\033[33m"};
    bool coloured = style != GT_STYLE_PLAIN && has_colours();
    printf("%s%.*s%s\n", coloured ? codes[style] : "", GT_STR_ARG(line), coloured ? "\033[0m" : "");
}

/* ---- tables ---- */

enum { WIDEST = 60 };

static gt_str cell_of(gt_arena *arena, gt_str text)
{
    gt_buf cell;
    gt_buf_init(&cell, arena, text.len < WIDEST ? text.len + 1 : WIDEST * 4);
    gt_show_text(&cell, text, WIDEST);
    return gt_buf_slice(&cell);
}

gt_str gt_cli_cell(gt_arena *arena, const gt_value *value)
{
    gt_buf json;
    gt_buf_init(&json, arena, 64);
    if (value != NULL && value->type == GT_VALUE_STRING)
        return cell_of(arena, value->text);
    if (value != NULL)
        gt_value_print(&json, value);
    return cell_of(arena, gt_buf_slice(&json));
}

gt_str gt_cli_field(gt_arena *arena, gt_str field)
{
    if (gt_str_starts(field, "spec.")) /* people look for fields of the spec: the word itself says nothing */
        field = (gt_str){field.at + 5, field.len - 5};
    return cell_of(arena, field);
}

void gt_cli_table_add(gt_cli_table *table, gt_str cell)
{
    if (table->count == table->room) {
        size_t room = table->room == 0 ? 64 : table->room * 2;
        gt_str *cells = GT_NEW_N(table->arena, gt_str, room);
        if (table->count > 0)
            memcpy(cells, table->cells, table->count * sizeof *cells);
        table->cells = cells;
        table->room = room;
    }
    table->cells[table->count++] = cell;
}

void gt_cli_table_print(const gt_cli_table *table)
{
    size_t *width = GT_NEW_N(table->arena, size_t, table->columns);
    for (size_t i = 0; i < table->count; i++) {
        size_t length = gt_show_length(table->cells[i]), *widest = &width[i % table->columns];
        *widest = length > *widest ? length : *widest;
    }
    for (size_t row = 0; row < table->count; row += table->columns) {
        gt_buf line;
        gt_buf_init(&line, table->arena, 256);
        for (size_t c = 0; c < table->columns; c++) {
            gt_str cell = table->cells[row + c];
            gt_buf_str(&line, cell);
            if (c + 1 < table->columns)
                gt_buf_printf(&line, "%*s", (int)(width[c] - gt_show_length(cell) + 2), "");
        }
        while (line.len > 0 && line.at[line.len - 1] == ' ')
            line.len--;
        gt_cli_line(row == 0 ? GT_STYLE_HEAD : GT_STYLE_PLAIN, gt_buf_slice(&line));
    }
}
