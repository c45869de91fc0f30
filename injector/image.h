/* Image references, as container runtimes read them (distribution/reference):
 *     [registry/]path[:tag][@digest]      nginx -> docker.io/library/nginx,  index.docker.io -> docker.io
 * Pure; the parts point into the text or to constants. */
#ifndef GT_INJECTOR_IMAGE_H
#define GT_INJECTOR_IMAGE_H

#include "lib/json/view.h"

typedef struct gt_image {
    gt_str registry;    /* "docker.io", "localhost:5000" */
    gt_str prefix;      /* "library/" where Docker Hub's short form leaves it out, else empty */
    gt_str path;        /* "acme/agent" */
    gt_str tag, digest; /* empty when missing; digest as "sha256:..." */
} gt_image;

bool gt_image_parse(gt_str text, gt_image *image);

/* A client's image, for judging it only. */
bool gt_image_read(gt_view text, gt_image *image);

/* A tag that may move: latest, or none, without a digest. */
bool gt_image_floats(const gt_image *image);

/* Can be a pattern for gt_image_admitted: an image reference without tag and digest, or a registry alone. */
bool gt_image_is_pattern(gt_str text);

/* `pattern` is registry[/path]: admits the image when its registry is equal and its path begins with the pattern's, component by
 * component. ghcr.io/acme admits ghcr.io/acme/x:1, never ghcr.io/acme-evil/x. */
bool gt_image_admitted(const gt_image *image, gt_str pattern);

#endif
