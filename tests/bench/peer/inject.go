package main

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
)

const (
	tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount"
	image     = "ghcr.io/acme/agent:v7"
)

// Parsed once: a quantity is a value and may be shared.
var resources = corev1.ResourceRequirements{
	Requests: corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("500m"),
		corev1.ResourceMemory: resource.MustParse("1Gi"),
	},
	Limits: corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("2"),
		corev1.ResourceMemory: resource.MustParse("8Gi"),
	},
}

var annotations = map[string]string{
	"cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
	"karpenter.sh/do-not-disrupt":                    "true",
}

var volumes = []corev1.Volume{
	{Name: "workspace", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
	{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
	{Name: "beads-config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: "agent-config"}}}},
}

var mounts = []corev1.VolumeMount{
	{Name: "workspace", MountPath: "/home/agent/gt"},
	{Name: "tmp", MountPath: "/tmp"},
	{Name: "beads-config", MountPath: "/etc/agent-pod", ReadOnly: true},
}

// Who the agent is comes first, from its labels; what follows is the same for all.
func environment(role, rig, agent string) []corev1.EnvVar {
	return append([]corev1.EnvVar{
		{Name: "GT_ROLE", Value: role},
		{Name: "GT_RIG", Value: rig},
		{Name: "GT_AGENT", Value: agent},
		{Name: "GT_POLECAT", Value: agent},
		{Name: "GT_SCOPE", Value: "rig"},
		{Name: "BD_ACTOR", Value: agent},
		{Name: "GIT_AUTHOR_NAME", Value: agent},
		{Name: "BEADS_AGENT_NAME", Value: rig + "/" + agent},
	}, common...)
}

var common = []corev1.EnvVar{
	{Name: "HOME", Value: "/home/agent"},
	{Name: "XDG_STATE_HOME", Value: "/home/agent/gt/.state"},
	{Name: "GT_RUNTIME", Value: "k8s"},
	{Name: "GT_TOWN_NAME", Value: "gt-town"},
	{Name: "BD_DAEMON_HOST", Value: "bd-daemon.gastown.svc"},
	{Name: "BD_DAEMON_PORT", Value: "9876"},
	fromSecret("BD_DAEMON_TOKEN", "bd-daemon", "token"),
	{Name: "BEADS_AUTO_START_DAEMON", Value: "false"},
	fromField("POD_NAME", "metadata.name"),
	fromField("POD_NAMESPACE", "metadata.namespace"),
	fromField("POD_IP", "status.podIP"),
	fromSecret("ANTHROPIC_API_KEY", "anthropic", "ANTHROPIC_API_KEY"),
	{Name: "LOG_LEVEL", Value: "debug"},
	fromSecret("GH_TOKEN", "github", "GH_TOKEN"),
}

func fromSecret(name, secret, key string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: secret}, Key: key}}}
}

func fromField(name, path string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}}
}

// inject makes the bare pod of a polecat complete.
func inject(pod *corev1.Pod) error {
	role, rig, agent := pod.Labels["gastown.io/role"], pod.Labels["gastown.io/rig"], pod.Labels[agentLabel]
	at := slices.IndexFunc(pod.Spec.Containers, func(c corev1.Container) bool { return c.Name == "agent" })
	switch {
	case role != "polecat" || rig != "gastown":
		return fmt.Errorf("no template for the role %s of the rig %s", role, rig)
	case at < 0:
		return fmt.Errorf("spec.containers: none is named agent")
	}
	if pod.Annotations == nil {
		pod.Annotations = make(map[string]string, len(annotations))
	}
	for key, value := range annotations {
		pod.Annotations[key] = value
	}
	removeToken(&pod.Spec)
	completeSpec(&pod.Spec)
	completeAgent(&pod.Spec.Containers[at], environment(role, rig, agent))
	return nil
}

func completeSpec(spec *corev1.PodSpec) {
	spec.RestartPolicy = corev1.RestartPolicyNever
	spec.AutomountServiceAccountToken = ptr.To(false)
	spec.NodeSelector = map[string]string{"agents": "yes"}
	spec.Tolerations = append(spec.Tolerations,
		corev1.Toleration{Key: "spot", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule})
	spec.SecurityContext = &corev1.PodSecurityContext{
		RunAsUser:           ptr.To[int64](1000),
		RunAsGroup:          ptr.To[int64](1000),
		RunAsNonRoot:        ptr.To(true),
		FSGroup:             ptr.To[int64](1000),
		FSGroupChangePolicy: ptr.To(corev1.FSGroupChangeOnRootMismatch),
		SeccompProfile:      &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	spec.Volumes = append(spec.Volumes, volumes...)
}

func completeAgent(agent *corev1.Container, env []corev1.EnvVar) {
	agent.Image = image
	agent.ImagePullPolicy = corev1.PullAlways
	agent.Resources = resources
	agent.SecurityContext = &corev1.SecurityContext{
		AllowPrivilegeEscalation: ptr.To(false),
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
	agent.Env = append(agent.Env, env...)
	agent.VolumeMounts = append(agent.VolumeMounts, mounts...)
}

// removeToken takes out what the API server mounts for a service account's token.
func removeToken(spec *corev1.PodSpec) {
	for i := range spec.Containers {
		container := &spec.Containers[i]
		container.VolumeMounts = slices.DeleteFunc(container.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == tokenPath })
	}
	spec.Volumes = slices.DeleteFunc(spec.Volumes, func(v corev1.Volume) bool {
		return v.Projected != nil && slices.ContainsFunc(v.Projected.Sources, func(s corev1.VolumeProjection) bool { return s.ServiceAccountToken != nil })
	})
}
