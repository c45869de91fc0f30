/* https://kubernetes.io/docs/concepts/security/pod-security-standards/, v1.35. */
#include "injector/security.h"

static bool is_one_of(gt_str text, const char *const *names)
{
    for (; *names != NULL; names++)
        if (gt_str_is(text, *names))
            return true;
    return false;
}

bool gt_security_confines(gt_str type)
{
    static const char *const types[] = {"RuntimeDefault", "Localhost", NULL};
    return is_one_of(type, types);
}

bool gt_security_selinux_type(gt_str type)
{
    static const char *const types[] = {"",  "container_t", "container_init_t", "container_kvm_t", "container_engine_t",
                                        NULL};
    return is_one_of(type, types);
}

bool gt_security_volume(gt_str kind)
{
    static const char *const kinds[] = {"configMap", "csi",    "downwardAPI",           "emptyDir", "ephemeral",
                                        "projected", "secret", "persistentVolumeClaim", NULL};
    return is_one_of(kind, kinds);
}

bool gt_security_apparmor(gt_str value)
{
    return gt_str_is(value, "runtime/default") || gt_str_starts(value, "localhost/");
}
