/* What the commands print. */
#include <stdarg.h>
#include <stdio.h>

#include "injector/cli/cli.h"
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
