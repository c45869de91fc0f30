"""The test bed: a real Kubernetes on a bare machine, built from source once and started by each test.

    pins, parts     what the bed is made of, and where each program is found
    golang, build   how the missing ones are made
    pki, process    certificates; child processes that can't outlive us
    controlplane    etcd, kube-apiserver and kube-controller-manager as one object
    etcd            etcd asked directly: its revision, compaction
    accounts        the kubeconfig of a ServiceAccount
    client          many requests in a row, in parallel
    node            that and a node which runs pods, as one object
    machine         the namespaces such a cluster lives in; cgroups: what their processes are counted in
    packages        what a node needs of Debian
    oci, images     container images made of what this machine has
    supervisor      either kept up in the background for a person
    checks, suite   how the tests here report, and what each is as a program

Standard library only. Whatever can go wrong on somebody's machine is a BedError whose text says what to do about it.
"""

from .accounts import account_kubeconfig
from .controlplane import ControlPlane
from .errors import BedError
from .node import Cluster
from .process import free_port, wait_for

__all__ = ["BedError", "Cluster", "ControlPlane", "account_kubeconfig", "free_port", "wait_for"]
