"""A small fabric with a border leaf, and a shop that reaches the world outside by two routers."""

from __future__ import annotations

FABRIC = """
apiVersion: clos/v1
kind: Topology
metadata: {name: small}
spec:
  switches: {spine1: {role: spine}, leaf1: {role: leaf}, border1: {role: border}}
  links: [[leaf1:1, spine1:1], [border1:1, spine1:2]]
  hosts: {web1: leaf1:11, db1: leaf1:12, wan1: border1:11, wan2: border1:12}
"""
SHOP = """
apiVersion: clos/v1
kind: Tenant
metadata: {name: shop}
spec:
  networks: {front: {subnet: 10.1.1.0/24}, transit: {subnet: 10.1.9.0/29}}
  endpoints: {web1: 10.1.1.11 on web1, db1: 10.1.1.12 on db1, wan1: 10.1.9.2 on wan1, wan2: 10.1.9.3 on wan2}
  external:
    isp: {router: wan1, prefixes: [0.0.0.0/0]}
    line: {router: wan2, prefixes: [192.0.2.0/24]}
  groups:
    web: {endpoints: [web1]}
    internet: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}
    partner: {cidr: [192.0.2.0/24, 198.51.100.0/24]}
    routers: {networks: [transit]}
  policies:
    - {from: internet, to: web, services: [tcp/443]}
    - {from: web, to: partner, services: [tcp/22]}
"""
