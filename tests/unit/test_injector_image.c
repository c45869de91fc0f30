#include "injector/image.h"

#include "tests/unit/test_injector_support.h"

#define DIGEST "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* out: "registry prefix+path tag digest", or "" for no reference. */
Test(injector_image, references)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"nginx", "docker.io library/nginx - -"},
        {"nginx:1", "docker.io library/nginx 1 -"},
        {"acme/agent", "docker.io acme/agent - -"},
        {"docker.io/nginx", "docker.io library/nginx - -"},
        {"index.docker.io/nginx", "docker.io library/nginx - -"},
        {"index.docker.io/acme/x:1", "docker.io acme/x 1 -"},
        {"ghcr.io/acme/agent:v7", "ghcr.io acme/agent v7 -"},
        {"ghcr.io/acme/deep/er/agent", "ghcr.io acme/deep/er/agent - -"},
        {"localhost/x", "localhost x - -"},
        {"localhost:5000/x:1", "localhost:5000 x 1 -"},
        {"registry:5000/x", "registry:5000 x - -"}, /* a port makes a registry */
        {"registry/x", "docker.io registry/x - -"}, /* a bare word doesn't */
        {"Registry/x", "Registry x - -"},           /* upper case can be no path */
        {"[::1]:5000/x:1", "[::1]:5000 x 1 -"},
        {"x@" DIGEST, "docker.io library/x - " DIGEST},
        {"x:1@" DIGEST, "docker.io library/x 1 " DIGEST},
        {"ghcr.io/a/x:1@" DIGEST, "ghcr.io a/x 1 " DIGEST},
        {"a_b/c__d-e.f/g---h", "docker.io a_b/c__d-e.f/g---h - -"},
        {"x:_T.a-G", "docker.io library/x _T.a-G -"},
        {"", ""},
        {":1", ""},
        {"@" DIGEST, ""},
        {"x:", ""},
        {"x@", ""},
        {"x@sha256:abc", ""},
        {"x@" DIGEST "g", ""},
        {"x@:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ""},
        {"/x", ""},
        {"x/", ""},
        {"a//b", ""},
        {"-x", ""},
        {"x-", ""},
        {"a..b", ""},
        {"a___b", ""},
        {"a._b", ""},
        {"NGINX", ""},
        {"a/B", ""},
        {"a b", ""},
        {"http://a/b", ""},
        {"ghcr.io:port/x", ""},
        {"ghcr.io:0/x", ""},
        {"ghcr.io:65536/x", ""},
        {"-ghcr.io/x", ""},
        {"x:-tag", ""},
        {"x:.tag", ""},
        {"x:1:2", ""},
        {"x@" DIGEST "@" DIGEST, ""},
        {"gh\xc3\xbc.io/x", ""},
        {"x\n", ""},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        gt_image image;
        SCOPED_EXACT(in, gt_str_of(rows[i].in));
        const char *got = "";
        if (gt_image_parse(in, &image))
            got = gt_arena_printf(arena, "%.*s %.*s%.*s %.*s %.*s", GT_STR_ARG(image.registry),
                                  GT_STR_ARG(image.prefix), GT_STR_ARG(image.path),
                                  image.tag.len > 0 ? (int)image.tag.len : 1, image.tag.len > 0 ? image.tag.at : "-",
                                  image.digest.len > 0 ? (int)image.digest.len : 1,
                                  image.digest.len > 0 ? image.digest.at : "-");
        cr_expect_str_eq(got, rows[i].out, "%s: `%s` instead of `%s`", rows[i].in, got, rows[i].out);
    }
}

Test(injector_image, long_texts_are_no_references)
{
    char text[5000];
    memset(text, 'a', sizeof text);
    gt_image image;
    cr_expect(gt_image_parse((gt_str){text, 200}, &image));
    cr_expect(!gt_image_parse((gt_str){text, sizeof text}, &image));
    text[0] = 'x';
    text[1] = ':';
    cr_expect(gt_image_parse((gt_str){text, 2 + 128}, &image), "a tag has up to 128 characters");
    cr_expect(!gt_image_parse((gt_str){text, 2 + 129}, &image));
}

Test(injector_image, floating)
{
    static const struct {
        const char *image;
        bool floats;
    } rows[] = {{"x", true}, {"x:latest", true}, {"x:v1", false}, {"x@" DIGEST, false}, {"x:latest@" DIGEST, false}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        gt_image image;
        cr_assert(gt_image_parse(gt_str_of(rows[i].image), &image));
        cr_expect_eq(gt_image_floats(&image), rows[i].floats, "%s", rows[i].image);
    }
}

Test(injector_image, admission)
{
    static const struct {
        const char *image, *pattern;
        bool admitted;
    } rows[] = {
        {"ghcr.io/acme/x:1", "ghcr.io/acme", true},
        {"ghcr.io/acme/x:1", "ghcr.io/acme/", true},
        {"ghcr.io/acme/x:1", "ghcr.io", true},
        {"ghcr.io/acme/x:1", "ghcr.io/acme/x", true},
        {"ghcr.io/acme/x@" DIGEST, "ghcr.io/acme/x", true},
        {"ghcr.io/acme-evil/x:1", "ghcr.io/acme", false},
        {"ghcr.io/acm", "ghcr.io/acme", false},
        {"ghcr.io/acme/xy", "ghcr.io/acme/x", false},
        {"ghcr.io.evil.com/acme/x", "ghcr.io", false},
        {"ghcr.io:443/acme/x", "ghcr.io", false},
        {"evil.com/ghcr.io/acme/x", "ghcr.io/acme", false},
        {"ghcr.io/evil/ghcr.io/acme", "ghcr.io/acme", false},
        {"nginx", "docker.io", true},
        {"nginx", "docker.io/library", true},
        {"nginx", "docker.io/library/nginx", true},
        {"nginx", "index.docker.io/library/nginx", true},
        {"index.docker.io/nginx", "docker.io/library", true},
        {"nginx", "docker.io/nginx", false},
        {"library-evil/nginx", "docker.io/library", false},
        {"acme/x", "docker.io/library", false},
        {"localhost:5000/x", "localhost:5000", true},
        {"localhost:5001/x", "localhost:5000", false},
        {"localhost:5000/x", "localhost", false},
        {"ghcr.io/acme/x", "", false},
        {"ghcr.io/acme/x", "/", false},
        {"ghcr.io/acme/x", "ghcr", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        gt_image image;
        SCOPED_EXACT(pattern, gt_str_of(rows[i].pattern));
        cr_assert(gt_image_parse(gt_str_of(rows[i].image), &image), "%s", rows[i].image);
        cr_expect_eq(gt_image_admitted(&image, pattern), rows[i].admitted, "%s by `%s`", rows[i].image,
                     rows[i].pattern);
    }
}
