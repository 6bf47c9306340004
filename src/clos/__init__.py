"""Clos: a data-centre network controller and a fabric simulator.

The folders of the repository under one name: clos.fabric, clos.controller, clos.lab.
"""
