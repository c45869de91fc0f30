/* What git takes for a branch's name and for a repository. Pure functions. */
#ifndef GT_INJECTOR_GIT_H
#define GT_INJECTOR_GIT_H

#include "lib/base/str.h"

/* As git check-ref-format says for one branch; never with '-' in front, at most 244 bytes. */
bool gt_git_is_branch(gt_str name);

/* https://, http://, ssh://, git:// or file:// and something behind it, user@host:path, or an absolute path: never an option, nor a
 * helper that would run a command (ext::). */
bool gt_git_is_repository(gt_str text);

/* Whether there's a password or a token in the URL: git.credentialsSecret is the place for it. */
bool gt_git_holds_password(gt_str repository);

#endif
