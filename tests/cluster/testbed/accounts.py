"""Running as a ServiceAccount: with the rights that are bound to it and no others, as in a real cluster. Made by whoever binds
them, for instance by the same YAML."""

import json

from .controlplane import inline, kubeconfig, secret_file
from .errors import BedError

TOKEN_SECONDS = 3600


def token(cluster, namespace, name):
    """A fresh one, as kubelet asks for it."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
    status, answer = cluster.api("POST", path, {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                                                "spec": {"expirationSeconds": TOKEN_SECONDS}})
    if status != 201:
        raise BedError(f"a token for {namespace}/{name}: {status} {json.dumps(answer)}")
    return answer["status"]["token"]


def account_kubeconfig(cluster, namespace, name, path, server=None):
    """Writes a kubeconfig for the account, and beside it the file with its token, as a pod would have it. `server`: another way
    to the API server, with a certificate of the same authority."""
    token_file = path.with_name(f"{path.name}.token")
    secret_file(token_file, token(cluster, namespace, name))
    authority = [f"certificate-authority-data: {inline(cluster.ca)}"]
    secret_file(path, kubeconfig(server or cluster.url, authority, [f"tokenFile: {token_file}"]))
    return path
