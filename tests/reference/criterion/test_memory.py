"""How much memory there is, from what the system says."""

from __future__ import annotations

import os

import pytest

from pylme.reference.criterion import storage
from pylme.reference.criterion.storage import UNKNOWN, available_bytes


@pytest.fixture
def system(monkeypatch, tmp_path):
    """A system that says nothing, and where it would say something."""
    monkeypatch.setattr(storage, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(storage, "_CONTAINER", tmp_path)
    monkeypatch.delattr(os, "sysconf", raising=False)
    return tmp_path


def test_where_nothing_is_said(system):
    assert available_bytes() == UNKNOWN


def test_half_of_the_physical_memory(system, monkeypatch):
    pages = {"SC_PHYS_PAGES": 1000, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sysconf", pages.get, raising=False)
    assert available_bytes() == 1000 * 4096 // 2


def test_what_linux_says(system):
    lines = "MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable: 4000 kB\n"
    (system / "meminfo").write_text(lines)
    assert available_bytes() == 4000 * 1024


def test_the_limit_of_a_container(system):
    (system / "meminfo").write_text("MemAvailable: 4000 kB\n")
    (system / "memory.max").write_text("3000000\n")
    (system / "memory.current").write_text("2500000\n")
    (system / "memory.stat").write_text("anon 100\ninactive_file 400000\nactive_file 7\n")
    assert available_bytes() == 900_000
    (system / "memory.max").write_text("max\n")
    assert available_bytes() == 4000 * 1024
