"""Several controllers of one fabric: a lease in etcd says which of them leads."""
