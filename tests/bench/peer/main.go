// The same webhook as people write it in Go: controller-runtime's server and decoder, the pod as a corev1.Pod, the patch as the difference
// between what came and what is wanted.
//
// It knows one template, compiled in: what tests/demo/templates come to for a polecat of the rig gastown. So it has less to do than the
// webhook that it's compared with: no layers to merge, no policy, no record of what came from where. tests/bench/serving.py sees that the
// pods that come out are the same but for that record.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

const agentLabel = "gastown.io/agent"

type injector struct {
	decoder admission.Decoder
}

func (in *injector) Handle(_ context.Context, req admission.Request) admission.Response {
	var pod corev1.Pod
	if err := in.decoder.Decode(req, &pod); err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	if pod.Labels[agentLabel] == "" {
		return admission.Allowed("")
	}
	if err := inject(&pod); err != nil {
		return admission.Denied(err.Error())
	}
	patched, err := json.Marshal(&pod)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, err)
	}
	return admission.PatchResponseFromRaw(req.Object.Raw, patched)
}

func main() {
	port := flag.Int("port", 9443, "where to serve, on 127.0.0.1")
	certs := flag.String("cert-dir", ".", "folder of tls.crt and tls.key")
	flag.Parse()
	log.SetLogger(logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, nil)))

	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		slog.Error("scheme", "error", err)
		os.Exit(1)
	}
	server := webhook.NewServer(webhook.Options{Host: "127.0.0.1", Port: *port, CertDir: *certs})
	server.Register("/mutate", &webhook.Admission{Handler: &injector{decoder: admission.NewDecoder(scheme)}})
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := server.Start(ctx); err != nil {
		slog.Error("server", "error", err)
		os.Exit(1)
	}
}
