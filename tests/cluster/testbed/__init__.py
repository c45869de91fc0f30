"""The test bed: a real Kubernetes on a bare machine, built from source once and started by each test.

    pins, parts     what the bed is made of, and where each program is found
    golang, build   how the missing ones are made
    pki, process    certificates; child processes that can't outlive us
    controlplane    etcd, kube-apiserver and kube-controller-manager as one object
    supervisor      the same, kept up in the background for a person

Standard library only. Whatever can go wrong on somebody's machine is a BedError whose text says what to do about it.
"""

from .controlplane import ControlPlane
from .errors import BedError
from .process import free_port, wait_for

__all__ = ["BedError", "ControlPlane", "free_port", "wait_for"]
